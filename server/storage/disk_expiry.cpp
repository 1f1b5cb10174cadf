#include "server/storage/disk_expiry.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "common/error.h"
#include "common/protocol.h"
#include "server/storage/disk_commit.h"
#include "server/storage/disk_storage.h"

namespace ft {
namespace {

constexpr std::size_t kMaxDepth = 256;

bool isThere(int folder, const std::string& name, ino_t inode) {
  struct stat info {};
  return ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_ino == inode;
}

}  // namespace

ExpiryWalk::ExpiryWalk(DiskCore& core) : core_(core) { enter(core_.root.openFolder(FileName::root())); }

bool ExpiryWalk::goOn(std::chrono::system_clock::time_point oldest, std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  oldest_ = oldest;
  do {
    if (levels_.empty()) return true;
    step();
  } while (std::chrono::steady_clock::now() < deadline);
  return levels_.empty();
}

void ExpiryWalk::step() {
  FolderReader& reader = levels_.back().reader;
  FolderReader::Entry entry;
  if (reader.next(entry)) {
    visit(std::string(entry.name));
  } else {
    note(reader.error());
    levels_.pop_back();
  }
}

void ExpiryWalk::enter(Opened folder) {
  note(folder.error);
  if (!folder || levels_.size() == kMaxDepth) return;
  const int fd = folder.fd.get();
  levels_.push_back({std::move(folder.fd), FolderReader(fd)});
}

void ExpiryWalk::visit(const std::string& name) {
  const int folder = levels_.back().fd.get();
  struct stat info {};
  if (levels_.size() == 1 && name == kReservedFolder) return;
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (S_ISDIR(info.st_mode)) return enter(core_.root.openChild(folder, name, O_RDONLY | O_DIRECTORY));
  // The time of the change of its entry: the other one is what the client has asked for.
  const auto came = std::chrono::system_clock::time_point(std::chrono::seconds(info.st_ctim.tv_sec) +
                                                          std::chrono::nanoseconds(info.st_ctim.tv_nsec));
  if (S_ISREG(info.st_mode) && came < oldest_) expire(folder, name, info.st_ino);
}

// Out of the tree first: who has put another file there since is not to lose it.
void ExpiryWalk::expire(int folder, const std::string& name, ino_t inode) {
  StagedFile place = core_.staging.place();
  if (const int error = renameNoReplace(folder, name, place.folder(), place.name()); error != 0) {
    if (error == ENOSPC || error == EDQUOT) {
      removeInPlace(folder, name, inode);
    } else if (error == ENOENT && isThere(folder, name, inode)) {
      error_ = error;  // the staging folder is gone
    } else {
      note(error);
    }
    return;
  }
  struct stat info {};
  if (::fstatat(place.folder(), place.name().c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || info.st_ino == inode) {
    ++removed_;
    return;
  }
  if (renameNoReplace(place.folder(), place.name(), folder, name) == 0) place.release();
}

// A disk can be too full for one more name in the staging folder.
void ExpiryWalk::removeInPlace(int folder, const std::string& name, ino_t inode) {
  if (!isThere(folder, name, inode)) return;
  if (::unlinkat(folder, name.c_str(), 0) == 0) {
    ++removed_;
  } else {
    note(errno);
  }
}

// What is gone by itself is no failure, and what others have mounted or linked there is not ours.
void ExpiryWalk::note(int error) {
  constexpr std::array kExpected{0, ENOENT, ENOTDIR, ELOOP, EXDEV};
  if (std::find(kExpected.begin(), kExpected.end(), error) == kExpected.end()) error_ = error;
}

bool DiskStorage::removeOlderThan(std::chrono::milliseconds age, std::chrono::milliseconds time) {
  if (!expiry_) expiry_ = std::make_unique<ExpiryWalk>(core_);
  const std::uint64_t before = expiry_->removed();
  const bool done = expiry_->goOn(std::chrono::system_clock::now() - age, time);
  expired_ += expiry_->removed() - before;
  if (!done) return false;
  const int error = std::exchange(expiry_, nullptr)->error();
  if (error != 0) throw failureFromErrno(error, "some old files could not be removed");
  return true;
}

}  // namespace ft
