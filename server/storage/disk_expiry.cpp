// The part of DiskStorage that removes files which have become too old (a drop box).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/protocol.h"
#include "server/storage/disk_commit.h"
#include "server/storage/disk_storage.h"
#include "server/storage/folder_reader.h"

namespace ft {
namespace {

constexpr std::size_t kMaxDepth = 256;

class ExpiryWalk {
 public:
  ExpiryWalk(DiskCore& core, std::chrono::milliseconds age, std::chrono::milliseconds time)
      : core_(core),
        oldest_(std::chrono::system_clock::now() - age),
        deadline_(std::chrono::steady_clock::now() + time) {}

  // Whether it has come to the end. Throws Failure when some of it could not be done, after all the rest was.
  bool run() {
    enter(core_.root.openFolder(FileName::root()));
    while (!levels_.empty() && std::chrono::steady_clock::now() < deadline_) {
      FolderReader& reader = levels_.back().reader;
      FolderReader::Entry entry;
      if (reader.next(entry)) {
        visit(std::string(entry.name));
      } else {
        note(reader.error());
        levels_.pop_back();
      }
    }
    if (error_ != 0) throw failureFromErrno(error_, "some old files could not be removed");
    return levels_.empty();
  }

 private:
  struct Level {
    UniqueFd fd;
    FolderReader reader;
  };

  void enter(Opened folder) {
    note(folder.error);
    if (!folder || levels_.size() == kMaxDepth) return;
    const int fd = folder.fd.get();
    levels_.push_back({std::move(folder.fd), FolderReader(fd)});
  }

  void visit(const std::string& name) {
    const int folder = levels_.back().fd.get();
    struct stat info {};
    if (levels_.size() == 1 && name == kReservedFolder) return;
    if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (S_ISDIR(info.st_mode)) return enter(core_.root.openChild(folder, name, O_RDONLY | O_DIRECTORY));
    // The time of the change of its entry: the other one is what the client has asked for.
    const auto came = std::chrono::system_clock::time_point(std::chrono::seconds(info.st_ctim.tv_sec));
    if (S_ISREG(info.st_mode) && came < oldest_) expire(folder, name, info.st_ino);
  }

  // Out of the tree first: who has put another file there since is not to lose it.
  void expire(int folder, const std::string& name, ino_t inode) {
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
    if (::fstatat(place.folder(), place.name().c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || info.st_ino == inode)
      return;
    if (renameNoReplace(place.folder(), place.name(), folder, name) == 0) place.release();
  }

  // A disk can be too full for one more name in the staging folder.
  void removeInPlace(int folder, const std::string& name, ino_t inode) {
    if (isThere(folder, name, inode) && ::unlinkat(folder, name.c_str(), 0) != 0) note(errno);
  }

  static bool isThere(int folder, const std::string& name, ino_t inode) {
    struct stat info {};
    return ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_ino == inode;
  }

  // What is gone by itself is no failure, and what others have mounted or linked there is not ours.
  void note(int error) {
    constexpr std::array kExpected{0, ENOENT, ENOTDIR, ELOOP, EXDEV};
    if (std::find(kExpected.begin(), kExpected.end(), error) == kExpected.end()) error_ = error;
  }

  DiskCore& core_;
  const std::chrono::system_clock::time_point oldest_;
  const std::chrono::steady_clock::time_point deadline_;
  std::vector<Level> levels_;
  int error_ = 0;  // the last
};

}  // namespace

bool DiskStorage::removeOlderThan(std::chrono::milliseconds age, std::chrono::milliseconds time) {
  return ExpiryWalk(core_, age, time).run();
}

}  // namespace ft
