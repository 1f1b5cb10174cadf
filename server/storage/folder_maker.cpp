#include "server/storage/folder_maker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/error.h"
#include "common/protocol.h"
#include "server/storage/disk_failure.h"

namespace ft {

// Makes folders, and syncs those that hold new ones: one thread at a time, unless nothing is synced.
class FolderMaker::Making {
 public:
  explicit Making(FolderMaker& maker) : maker_(maker), lock_(maker.making_, std::defer_lock) {
    if (!maker_.syncs_) return;
    lock_.lock();
    maker_.makes_ = true;
  }
  // Others may have seen the folders already, so they are synced also when the making has failed. What cannot be synced
  // is left to the next.
  ~Making() {
    if (!lock_) return;
    sync();
    maker_.makes_ = !maker_.unsynced_.empty();
  }
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;

  Opened makeAll(const FileName& name, std::size_t fixed = 0) {
    const RootedFolder::Making how{maker_.mode_, fixed, [this](int parent) { return made(parent); }};
    return maker_.root_.makeFolders(name, how);
  }
  int makeOne(int parent, const std::string& leaf, std::optional<std::uint32_t> mode) {
    // The daemon must be able to use what it has made.
    const mode_t bits = mode ? (*mode & kModeMask) | S_IRWXU : maker_.mode_;
    const int error = maker_.root_.makeGivenChild(parent, leaf, bits);
    return error != 0 ? error : made(parent);
  }
  int makeUnlessThere(int parent, const std::string& leaf, std::optional<std::uint32_t> mode) {
    const int error = makeOne(parent, leaf, mode);
    return error == EEXIST ? maker_.root_.openChildFolder(parent, leaf).error : error;
  }
  // To be called before anyone is told. Returns an errno.
  int sync() {
    int error = 0;
    if (!lock_) return error;
    std::erase_if(maker_.unsynced_, [&](const Unsynced& parent) {
      const int failed = ::fsync(parent.fd.get()) == 0 ? 0 : errno;
      if (failed != 0) error = failed;
      return failed == 0;
    });
    return error;
  }

 private:
  static constexpr std::size_t kMaxOpen = 64;

  int made(int folder) {
    struct stat info {};
    if (!lock_) return 0;
    if (::fstat(folder, &info) != 0) return errno;
    std::vector<Unsynced>& parents = maker_.unsynced_;
    const bool known =
        std::any_of(parents.begin(), parents.end(), [&](const Unsynced& p) { return p.inode == info.st_ino; });
    if (known) return 0;
    UniqueFd held(::fcntl(folder, F_DUPFD_CLOEXEC, 0));
    if (!held) return errno;
    parents.push_back({std::move(held), info.st_ino});
    return parents.size() < kMaxOpen ? 0 : sync();
  }

  FolderMaker& maker_;
  std::unique_lock<std::mutex> lock_;
};

UniqueFd FolderMaker::open(const FileName& name, std::string_view action, std::size_t fixed) {
  Opened opened = root_.openFolder(name);
  if (opened.error == ENOENT) {
    Making making(*this);
    // What an earlier one has left first, so that it does not grow.
    opened.error = making.sync();
    if (opened) opened = making.makeAll(name, fixed);
    if (const int error = making.sync(); error != 0) opened.error = error;
  } else if (opened && syncs_ && makes_.load()) {
    opened.error = Making(*this).sync();
  }
  if (!opened) throw diskFailure(opened.error, action, name);
  return std::move(opened.fd);
}

void FolderMaker::makeAll(std::span<const FolderToMake> folders, std::string_view action) {
  Making making(*this);
  if (const int error = making.sync(); error != 0) throw failureFromErrno(error, "cannot sync the new folders");
  // Names that come together are mostly in one folder, which is looked up once.
  std::optional<FileName> parent;
  Opened at;
  for (const auto& [name, mode] : folders) {
    if (name.isRoot()) continue;
    if (parent != name.parent()) {
      parent = name.parent();
      at = making.makeAll(*parent);
    }
    const std::string leaf(name.leaf());
    int error = at ? making.makeUnlessThere(at.fd.get(), leaf, mode) : at.error;
    if (error == ENOENT) {
      // The parent was removed since.
      at = making.makeAll(*parent);
      error = at ? making.makeUnlessThere(at.fd.get(), leaf, mode) : at.error;
    }
    if (error != 0) throw diskFailure(error, action, name);
  }
  if (const int error = making.sync(); error != 0) throw failureFromErrno(error, "cannot sync the new folders");
}

int FolderMaker::makeChild(int parent, const std::string& leaf, std::optional<std::uint32_t> mode) {
  Making making(*this);
  int error = making.sync();
  if (error == 0) error = making.makeOne(parent, leaf, mode);
  return error != 0 ? error : making.sync();
}

}  // namespace ft
