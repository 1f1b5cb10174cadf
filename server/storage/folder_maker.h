#pragma once
// Makes folders below the root, and syncs those that hold new ones: a folder that one thread has made and not synced
// yet is already seen by the others, so they wait for it before they answer for a file in it. Times of folders are set
// here as well, and not synced. Thread-safe.

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/file_name.h"
#include "common/unique_fd.h"
#include "server/storage/rooted_folder.h"
#include "server/storage/storage.h"

namespace ft {

// `action` is for the message of a Failure, as in diskFailure().
class FolderMaker {
 public:
  // Borrows the root. `mode`: the permission bits of folders for which none are named. Nothing is synced unless
  // `syncs`.
  FolderMaker(const RootedFolder& root, std::uint32_t mode, bool syncs) : root_(root), mode_(mode), syncs_(syncs) {}

  // An open folder, made with its parents where it is missing, or Failure. What was made is synced, also when another
  // thread has made it or an earlier sync has failed. The first `fixed` parts are never made.
  UniqueFd open(const FileName& name, std::string_view action, std::size_t fixed = 0);
  // Those above the folders that are to be made: with Needed they are there, or earlier in the list.
  enum class Parents { Made, Needed };
  // Makes all of these that are missing, one after the other, sets their times, and syncs each folder once in which
  // something was made. Throws Failure; returns that of a time that cannot be set, when all else is done.
  std::optional<Failure> makeAll(std::span<const FolderToMake> folders, std::string_view action,
                                 Parents parents = Parents::Made);
  // Makes one folder in its open parent, synced as above. Returns an errno.
  int makeChild(int parent, const FolderToMake& folder);

 private:
  class Making;

  // An open folder that holds new ones which may not survive a power cut.
  struct Unsynced {
    UniqueFd fd;
    dev_t device = 0;  // subvolumes of one file system have devices of their own, and inodes that repeat
    ino_t inode = 0;
  };

  const RootedFolder& root_;
  const std::uint32_t mode_;
  const bool syncs_;
  std::mutex making_;
  std::atomic<bool> makes_{false};  // or has made what could not be synced
  std::vector<Unsynced> unsynced_;  // under making_
};

}  // namespace ft
