#include "server/storage/rooted_folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <cerrno>

namespace ft {
namespace {

constexpr int kAlways = O_CLOEXEC | O_NOFOLLOW;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY;

}  // namespace

RootedFolder::RootedFolder(UniqueFd folder, bool useOpenat2, NewFolders fresh)
    : folder_(std::move(folder)), fresh_(fresh) {
  struct stat info {};
  if (::fstat(folder_.get(), &info) == 0) device_ = info.st_dev;
  // Sandboxes that do not know the call answer EPERM instead of ENOSYS, so anything but success means walking.
  useOpenat2_ = useOpenat2 && static_cast<bool>(openat2(folder_.get(), ".", O_PATH | O_DIRECTORY));
}

Opened RootedFolder::openat2(int folder, const char* path, int flags) const {
  struct open_how how {};
  how.flags = static_cast<unsigned>(flags | kAlways);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  // It gives up with EAGAIN when the tree changes under it in a way it cannot judge.
  for (int tries = 0; tries < kTriesAgainstChange; ++tries) {
    const long fd = ::syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (fd >= 0) return {UniqueFd(static_cast<int>(fd)), 0};
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return {UniqueFd(), errno};
}

Opened RootedFolder::openPath(int folder, const char* path, int flags) const {
  if (useOpenat2_) return openat2(folder, path, flags);
  UniqueFd fd(::openat(folder, path, flags | kAlways));
  if (!fd) return {UniqueFd(), errno};
  if (leavesFileSystem(fd.get())) return {UniqueFd(), EXDEV};
  return {std::move(fd), 0};
}

Opened RootedFolder::openOrTellLink(int folder, const char* path, int flags) const {
  Opened opened = openPath(folder, path, flags);
  if (opened.error != ENOTDIR || (flags & O_DIRECTORY) == 0) return opened;
  // A link where a folder is wanted also counts as "no folder". Only the message depends on the second look.
  const Opened other = openPath(folder, path, O_PATH);
  struct stat info {};
  if (other && ::fstat(other.fd.get(), &info) == 0 && S_ISLNK(info.st_mode)) opened.error = ELOOP;
  return opened;
}

bool RootedFolder::leavesFileSystem(int fd) const {
  struct stat info {};
  // Only folders are compared: overlay file systems give files the device of their layer.
  return ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) && info.st_dev != device_;
}

Opened RootedFolder::open(const FileName& name, int flags) const {
  if (name.isRoot()) return openChild(folder_.get(), ".", flags);
  if (useOpenat2_) return openOrTellLink(folder_.get(), name.text().c_str(), flags);
  return walk(name, flags);
}

Opened RootedFolder::openFolder(const FileName& name) const { return open(name, kFolderFlags); }

Opened RootedFolder::openChild(int folder, const std::string& leaf, int flags) const {
  return openOrTellLink(folder, leaf.c_str(), flags);
}

Opened RootedFolder::walk(const FileName& name, int flags) const {
  const auto parts = name.parts();
  Opened at;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const int from = at.fd ? at.fd.get() : folder_.get();
    at = openChild(from, std::string(parts[i]), last ? flags : O_PATH | O_DIRECTORY);
    if (!at) return at;
  }
  return at;
}

Opened RootedFolder::openChildFolder(int folder, const std::string& leaf) const {
  return openChild(folder, leaf, kFolderFlags);
}

int RootedFolder::makeChild(int folder, const std::string& leaf, mode_t mode) const {
  if (::mkdirat(folder, leaf.c_str(), mode) != 0) return errno;
  if ((mode & fresh_.umask) == 0) return 0;
  // The umask has taken bits away. A folder that was swapped meanwhile belongs to someone else and is left alone.
  const Opened made = openChildFolder(folder, leaf);
  struct stat info {};
  if (!made || ::fstat(made.fd.get(), &info) != 0 || info.st_uid != ::geteuid()) return 0;
  if ((info.st_mode & 0777) != mode && ::fchmod(made.fd.get(), mode | (info.st_mode & S_ISGID)) != 0) return errno;
  return 0;
}

int RootedFolder::makeGivenChild(int folder, const std::string& leaf, mode_t mode) const {
  if (const int error = makeChild(folder, leaf, mode); error != 0) return error;
  if (!fresh_.owner.uid && !fresh_.owner.gid) return 0;
  const Opened made = openChildFolder(folder, leaf);
  struct stat info {};
  if (!made || ::fstat(made.fd.get(), &info) != 0 || info.st_uid != ::geteuid()) return 0;
  return give(made.fd.get());
}

int RootedFolder::give(int fd) const {
  if (!fresh_.owner.uid && !fresh_.owner.gid) return 0;
  constexpr auto kKeep = static_cast<unsigned>(-1);
  return ::fchown(fd, fresh_.owner.uid.value_or(kKeep), fresh_.owner.gid.value_or(kKeep)) == 0 ? 0 : errno;
}

Opened RootedFolder::makeFolders(const FileName& name, std::size_t fixed, const MakeOne& make) const {
  Opened made;
  for (int tries = 0; tries < kTriesAgainstChange; ++tries) {
    made = makeFoldersOnce(name, fixed, make);
    if (made.error != EAGAIN) break;
  }
  return made;
}

// EAGAIN: one of them was there, and is not any more.
Opened RootedFolder::makeFoldersOnce(const FileName& name, std::size_t fixed, const MakeOne& make) const {
  Opened found = openFolder(name);
  if (found || found.error != ENOENT) return found;
  Opened at = openFolder(FileName::root());
  std::size_t depth = 0;
  for (const std::string_view part : name.parts()) {
    const std::string leaf(part);
    if (!at) return at;
    Opened next = openChild(at.fd.get(), leaf, kFolderFlags);
    if (next.error == ENOENT && depth >= fixed) {
      next = makeNext(at.fd.get(), leaf, make);
      // Nobody makes the root again.
      if (next.error == ENOENT && depth > 0) next.error = EAGAIN;
    }
    at = std::move(next);
    ++depth;
  }
  return at;
}

Opened RootedFolder::makeNext(int folder, const std::string& leaf, const MakeOne& make) const {
  const int error = make(folder, leaf);
  if (error != 0 && error != EEXIST) return {UniqueFd(), error};
  Opened made = openChild(folder, leaf, kFolderFlags);
  if (made.error == ENOENT) made.error = EAGAIN;
  return made;
}

}  // namespace ft
