#pragma once
// The daemon's own folder in the root, .ftpd: the lock that keeps a second daemon out, and the staging files that become files of
// the root by a rename.

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "common/unique_fd.h"
#include "server/rooted_folder.h"

namespace ft {

// A file in a folder of ours that has no name in the root yet. Removed with this object, unless it was kept or moved away.
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
  const std::string& name() const noexcept { return name_; }
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
  // Makes .ftpd, takes its lock, and opens or makes what is in it. Throws std::runtime_error that names the root, also when another daemon
  // has the lock.
  StateFolder(const RootedFolder& root, const std::string& rootText);

  int folder() const noexcept { return folder_.get(); }
  int staging() const noexcept { return staging_.get(); }
  int parts() const noexcept { return parts_.get(); }

 private:
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
  // Where a file can be moved to that is to go: a name that nothing has, removed with the result. Makes nothing, so it works on a full disk.
  StagedFile place() { return {UniqueFd(), folder_, freshName()}; }
  // Removes what earlier runs have left, until done or the time is up. Returns whether nothing is left to do.
  bool clean(Deadline deadline);

 private:
  std::string freshName();

  int folder_;
  std::string run_;  // begins the names of this run's files, so that cleaning can go on beside them
  std::atomic<std::uint64_t> counter_{0};
  std::atomic<bool> clean_{false};
};

}  // namespace ft
