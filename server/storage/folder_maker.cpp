#include "server/storage/folder_maker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/error.h"
#include "common/file_time.h"
#include "common/protocol.h"
#include "server/storage/disk_failure.h"

namespace ft {

// Makes folders, and syncs those that hold new ones: one thread at a time, unless nothing is synced.
class FolderMaker::Making {
 public:
  explicit Making(FolderMaker& maker, Parents parents = Parents::Made)
      : maker_(maker), parents_(parents), lock_(maker.making_, std::defer_lock) {
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
    return maker_.root_.makeFolders(
        name, fixed, [this](int parent, const std::string& leaf) { return makeChild(parent, leaf, maker_.mode_); });
  }
  // An errno for the folder, and one for its time.
  struct Done {
    int error = 0;
    int timeError = 0;
  };
  // A new folder in its open parent.
  Done makeOne(int parent, const FolderToMake& folder) {
    const std::string leaf(folder.name.leaf());
    // The daemon must be able to use what it has made.
    const mode_t bits = folder.mode ? (*folder.mode & kModeMask) | S_IRWXU : maker_.mode_;
    const int error = makeChild(parent, leaf, bits);
    if (error != 0 || !folder.mtimeNs) return {error};
    const auto times = modifiedAt(*folder.mtimeNs);
    const bool set = ::utimensat(parent, leaf.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0;
    // Whoever has removed it meanwhile does not need its time.
    return {0, set || errno == ENOENT ? 0 : errno};
  }
  // Names that come together are mostly in one folder, which is looked up once.
  Done makeUnlessThere(const FolderToMake& folder) {
    if (folder.name.isRoot()) return {0, setTime(maker_.root_.openFolder(folder.name), folder.mtimeNs)};
    FileName parent = folder.name.parent();
    if (parent_ != parent || !parentAt_) enter(std::move(parent));
    Done done = makeIn(folder);
    if (parents_ == Parents::Needed) return done;
    for (int tries = 1; tries < kTriesAgainstChange && done.error == ENOENT && !parent_->isRoot(); ++tries) {
      // The parent was removed since.
      enter(*parent_);
      done = makeIn(folder);
    }
    if (done.error == ENOENT && !parent_->isRoot()) done.error = EAGAIN;
    return done;
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

  void enter(FileName parent) {
    parentAt_ = parents_ == Parents::Made ? makeAll(parent) : maker_.root_.openFolder(parent);
    parent_ = std::move(parent);
  }

  Done makeIn(const FolderToMake& folder) {
    if (!parentAt_) return {parentAt_.error};
    Done done = makeOne(parentAt_.fd.get(), folder);
    for (int tries = 0; tries < kTriesAgainstChange && done.error == EEXIST; ++tries) {
      const Opened there = maker_.root_.openChildFolder(parentAt_.fd.get(), std::string(folder.name.leaf()));
      done = {there.error, setTime(there, folder.mtimeNs)};
      if (done.error == ENOENT) done = makeOne(parentAt_.fd.get(), folder);
    }
    if (done.error == EEXIST) done.error = EAGAIN;
    return done;
  }

  // Leaves a folder alone that has the time already. Returns an errno.
  static int setTime(const Opened& folder, std::optional<std::int64_t> mtimeNs) {
    struct stat info {};
    if (!folder || !mtimeNs) return folder.error;
    if (::fstat(folder.fd.get(), &info) == 0 && exactNanoseconds(info.st_mtim) == mtimeNs) return 0;
    return ::futimens(folder.fd.get(), modifiedAt(*mtimeNs).data()) == 0 ? 0 : errno;
  }

  int makeChild(int parent, const std::string& leaf, mode_t bits) {
    // The parent is noted first: what fails behind the making leaves no new folder of which nobody knows.
    bool fresh = false;
    if (const int error = expectChild(parent, fresh); error != 0) return error;
    const int error = maker_.root_.makeGivenChild(parent, leaf, bits);
    if (error == EEXIST && fresh) maker_.unsynced_.pop_back();
    return error;
  }

  // A folder is about to be made in this one, which is to be synced then. `fresh`: that was not known before.
  int expectChild(int folder, bool& fresh) {
    struct stat info {};
    if (!lock_) return 0;
    if (::fstat(folder, &info) != 0) return errno;
    std::vector<Unsynced>& parents = maker_.unsynced_;
    const bool known = std::any_of(parents.begin(), parents.end(), [&](const Unsynced& parent) {
      return parent.device == info.st_dev && parent.inode == info.st_ino;
    });
    if (known) return 0;
    if (parents.size() >= kMaxOpen) {
      if (const int error = sync(); error != 0) return error;
    }
    UniqueFd held(::fcntl(folder, F_DUPFD_CLOEXEC, 0));
    if (!held) return errno;
    parents.push_back({std::move(held), info.st_dev, info.st_ino});
    fresh = true;
    return 0;
  }

  FolderMaker& maker_;
  const Parents parents_;
  std::unique_lock<std::mutex> lock_;
  std::optional<FileName> parent_;
  Opened parentAt_;
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
  if (!opened) throw folderFailure(root_, opened.error, action, name);
  return std::move(opened.fd);
}

std::optional<Failure> FolderMaker::makeAll(std::span<const FolderToMake> folders, std::string_view action,
                                            Parents parents) {
  Making making(*this, parents);
  if (const int error = making.sync(); error != 0) throw failureFromErrno(error, "cannot sync the new folders");
  std::optional<Failure> untimed;
  for (const FolderToMake& folder : folders) {
    const Making::Done done = making.makeUnlessThere(folder);
    if (done.error != 0) throw folderFailure(root_, done.error, action, folder.name);
    if (done.timeError != 0 && !untimed) untimed = diskFailure(done.timeError, "set the time of", folder.name);
  }
  if (const int error = making.sync(); error != 0) throw failureFromErrno(error, "cannot sync the new folders");
  return untimed;
}

int FolderMaker::makeChild(int parent, const FolderToMake& folder) {
  Making making(*this);
  Making::Done done{making.sync()};
  if (done.error == 0) done = making.makeOne(parent, folder);
  if (done.error == 0) done.error = making.sync();
  return done.error != 0 ? done.error : done.timeError;
}

}  // namespace ft
