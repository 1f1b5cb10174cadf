#pragma once
// Removes the files of a root that have become too old (a drop box), a little at a time: the walk goes on where it has
// stopped, however large the tree is. One thread.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "server/storage/disk_core.h"
#include "server/storage/folder_reader.h"

namespace ft {

class ExpiryWalk {
 public:
  // `core` must outlive it.
  explicit ExpiryWalk(DiskCore& core);

  // Goes on for about `time`, but by one entry at least, and removes the files that have had their content since before
  // `oldest`. Returns whether it has come to the end.
  bool goOn(std::chrono::system_clock::time_point oldest, std::chrono::milliseconds time);
  // The last errno of what could not be done so far; 0: all could.
  int error() const { return error_; }
  // Files so far.
  std::uint64_t removed() const { return removed_; }

 private:
  struct Level {
    UniqueFd fd;
    FolderReader reader;
  };

  void step();
  void enter(Opened folder);
  void visit(const std::string& name);
  void expire(int folder, const std::string& name, ino_t inode);
  void removeInPlace(int folder, const std::string& name, ino_t inode);
  void note(int error);

  DiskCore& core_;
  std::chrono::system_clock::time_point oldest_{};
  std::vector<Level> levels_;  // from the root to the folder that is being read
  int error_ = 0;
  std::uint64_t removed_ = 0;
};

}  // namespace ft
