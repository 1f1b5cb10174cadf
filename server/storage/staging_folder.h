#pragma once
// The daemon's own folder in the root, .ftpd: the lock that keeps a second daemon out, and the staging files that
// become files of the root by a rename.

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "common/unique_fd.h"
#include "server/storage/rooted_folder.h"

namespace ft {

// A file of ours that has no name in the root yet, and perhaps none at all. Removed with this object, unless it was
// kept or moved away.
class StagedFile {
 public:
  StagedFile() = default;
  // `folder` is borrowed and must outlive this.
  StagedFile(UniqueFd fd, int folder, std::string name) : fd_(std::move(fd)), folder_(folder), name_(std::move(name)) {}
  StagedFile(StagedFile&& other) noexcept
      : fd_(std::move(other.fd_)), folder_(other.folder_), name_(std::exchange(other.name_, {})) {}
  StagedFile& operator=(StagedFile&& other) noexcept;
  ~StagedFile();

  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  int fd() const noexcept { return fd_.get(); }
  int folder() const noexcept { return folder_; }
  // Empty for a file without a name, and after release().
  const std::string& name() const noexcept { return name_; }
  // It has this name in the folder now.
  void named(std::string name) noexcept { name_ = std::move(name); }
  // From now on the entry is left alone: it was renamed, or it is kept.
  void release() noexcept { name_.clear(); }

 private:
  UniqueFd fd_;
  int folder_ = -1;
  std::string name_;
};

// .ftpd with its lock. Thread-safe after construction.
class StateFolder {
 public:
  // Makes .ftpd, takes its lock, and opens or makes what is in it. Throws std::runtime_error that names the root, also
  // when another daemon has the lock. Where it is not `needed`, there is none then.
  StateFolder(const RootedFolder& root, const std::string& rootText, bool needed = true);

  bool usable() const noexcept { return static_cast<bool>(parts_); }
  int folder() const noexcept { return folder_.get(); }
  int staging() const noexcept { return staging_.get(); }
  int parts() const noexcept { return parts_.get(); }

 private:
  void take(const RootedFolder& root, const std::string& rootText);

  UniqueFd folder_, lock_, staging_, parts_;
};

// Makes staging files. Thread-safe.
class StagingFolder {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Borrows the folder.
  explicit StagingFolder(int folder);
  // Throws Failure.
  StagedFile create(mode_t mode);
  // The same without a name: half the work, as no folder is shared, and nothing is left of it after a crash. create()
  // where that cannot be.
  StagedFile createUnnamed(mode_t mode);
  // Gives a file without a name one in this folder. Returns an errno.
  int name(StagedFile& file);
  // Where a file can be moved to that is to go: a name that nothing has, removed with the result. Makes nothing, so it
  // works on a full disk.
  StagedFile place() { return {UniqueFd(), folder_, nextName()}; }
  // Do files here keep the permission bits that they are given?
  bool keepsModes() const noexcept { return keepsModes_; }
  // Removes what earlier runs have left, until done or the time is up. Returns whether nothing is left to do.
  bool clean(Deadline deadline);

 private:
  std::string nextName();
  bool canKeepModes();

  int folder_;
  std::string run_;  // begins the names of this run's files, so that cleaning can go on beside them
  std::atomic<std::uint64_t> counter_{0};
  bool unnamed_ = false;    // files can be made without a name and get one later
  bool keepsModes_ = true;  // the file system has permission bits
  std::atomic<bool> clean_{false};
};

}  // namespace ft
