#pragma once
// The only way from a name to a file: lookups that start at a folder's descriptor and cannot leave it, whatever links
// or mounts are planted below and however they are swapped meanwhile. By openat2 (Linux 5.6, openat2(2)); where the
// kernel or a sandbox does not have it, component by component with O_NOFOLLOW. Thread-safe.

#include <sys/stat.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "common/file_name.h"
#include "common/unique_fd.h"
#include "server/storage/disk_options.h"

namespace ft {

// How often what others change at the same moment is tried before it is given up with EAGAIN.
inline constexpr int kTriesAgainstChange = 8;

// What a lookup gave: a descriptor, or the errno of why not (ELOOP: a link, EXDEV: another file system, EAGAIN: others
// have changed the folders on the way again and again).
struct Opened {
  UniqueFd fd;
  int error = 0;
  explicit operator bool() const noexcept { return error == 0; }
};

// What new folders are like, beside their permissions.
struct NewFolders {
  Ownership owner{};
  mode_t umask = 0777;  // the bits that they may lack when they are made, so that they are to be set
};

class RootedFolder {
 public:
  // Takes a descriptor of the folder (O_PATH is enough). With `useOpenat2` false, or where a probe of openat2 fails,
  // walks.
  RootedFolder(UniqueFd folder, bool useOpenat2, NewFolders fresh = {});

  int fd() const noexcept { return folder_.get(); }
  bool usesOpenat2() const noexcept { return useOpenat2_; }

  // Opens `name`. O_CLOEXEC and O_NOFOLLOW are added to `flags`; with O_PATH a link as the last part is opened itself.
  Opened open(const FileName& name, int flags) const;
  // A folder that can be listed, synced and used as the start of *at() calls.
  Opened openFolder(const FileName& name) const;
  // The child `leaf` (one part) of an open folder, under the same rules.
  Opened openChild(int folder, const std::string& leaf, int flags) const;

  // A child that must be a folder, opened as openFolder() does.
  Opened openChildFolder(int folder, const std::string& leaf) const;

  // Makes a folder in an open one; returns an errno, EEXIST when it is there.
  using MakeOne = std::function<int(int parent, const std::string& leaf)>;
  // openFolder(), making the folders that are missing by `make`; the first `fixed` parts of the name must be there.
  // Those that are removed meanwhile are made anew.
  Opened makeFolders(const FileName& name, std::size_t fixed, const MakeOne& make) const;
  // Makes one folder in an open folder with exactly these permissions (less what an ACL of the parent takes away).
  // Returns an errno; the folder may be there then, but never with EEXIST.
  int makeChild(int folder, const std::string& leaf, mode_t mode) const;
  // The same, given to the owner of what is new.
  int makeGivenChild(int folder, const std::string& leaf, mode_t mode) const;
  // Gives what is new to its owner. Returns an errno.
  int give(int fd) const;

 private:
  Opened walk(const FileName& name, int flags) const;
  Opened makeFoldersOnce(const FileName& name, std::size_t fixed, const MakeOne& make) const;
  Opened makeNext(int folder, const std::string& leaf, const MakeOne& make) const;
  Opened openat2(int folder, const char* path, int flags) const;
  // A path that has several parts is for openat2 only.
  Opened openPath(int folder, const char* path, int flags) const;
  Opened openOrTellLink(int folder, const char* path, int flags) const;
  bool leavesFileSystem(int fd) const;

  UniqueFd folder_;
  NewFolders fresh_;
  dev_t device_ = 0;
  bool useOpenat2_ = false;
};

}  // namespace ft
