#include "client/local/target_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "common/error.h"
#include "common/escape.h"
#include "common/file_time.h"
#include "common/protocol.h"

namespace ft {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr mode_t kNewFolderMode = 0777;  // less the umask

// What mkdir() is to be told.
mode_t makingMode(TargetFolder::Mode mode) { return mode ? (*mode & kModeMask) | S_IRWXU : kNewFolderMode; }

// Gives a folder that was made bits that the umask has taken, beside those that its parent gives. Throws Failure.
void setMode(const Folder& folder, mode_t mode) {
  struct stat status {};
  if (::fstat(folder.fd.get(), &status) != 0) throw failureFromErrno(errno, escapeText(folder.path));
  if ((status.st_mode & kModeMask) == mode) return;
  if (::fchmod(folder.fd.get(), mode | (status.st_mode & S_ISGID)) != 0) {
    throw failureFromErrno(errno, escapeText(folder.path));
  }
}

struct MadePath {
  std::vector<FolderPtr> touched;  // the folders in which something was made
  bool last = false;               // the last part was made
};

// Makes what is missing of `path`, which ends in '/'; `mode` is for its last part.
MadePath makeFolders(const std::string& path, TargetFolder::Mode mode) {
  MadePath made;
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    const bool last = slash + 1 == path.size();
    if (::mkdir(folder.c_str(), last ? makingMode(mode) : kNewFolderMode) == 0) {
      made.last = last;
      const std::string parent = folder + "/..";
      UniqueFd fd(::open(parent.c_str(), kFolderFlags));
      if (!fd) throw failureFromErrno(errno, escapeText(parent));
      made.touched.push_back(std::make_shared<Folder>(Folder{std::move(fd), parent, true}));
    } else if (errno != EEXIST && errno != EISDIR) {
      throw failureFromErrno(errno, escapeText(folder));
    }
  }
  return made;
}

}  // namespace

TargetFolder TargetFolder::open(const std::string& path, const FileName& base, Mode mode) {
  MadePath made;
  UniqueFd fd(::open(path.c_str(), kFolderFlags));
  if (!fd && errno == ENOENT) {
    made = makeFolders(path.ends_with('/') ? path : path + "/", mode);
    fd.reset(::open(path.c_str(), kFolderFlags));
  }
  if (!fd) throw failureFromErrno(errno, escapeText(path));
  TargetFolder target(std::make_shared<Folder>(Folder{std::move(fd), path, false}), base);
  target.touched_ = std::move(made.touched);
  if (made.last && mode) target.takeMode(base, *target.root_, *mode);
  return target;
}

void TargetFolder::takeMode(const FileName& name, const Folder& folder, std::uint32_t mode) {
  setMode(folder, makingMode(mode));
  if ((mode & S_IRWXU) != S_IRWXU) unfinished_.emplace_back(name, mode & kModeMask);
}

void TargetFolder::finishModes() {
  for (; !unfinished_.empty(); unfinished_.pop_back()) {
    const auto& [name, mode] = unfinished_.back();
    if (const FolderPtr folder = existing(name)) setMode(*folder, mode);
  }
}

void TargetFolder::setTime(const FileName& name, std::int64_t mtimeNs) {
  const FolderPtr folder = existing(name);
  struct stat status {};
  if (!folder) return;
  if (::fstat(folder->fd.get(), &status) == 0 && exactNanoseconds(status.st_mtim) == mtimeNs) return;
  if (::futimens(folder->fd.get(), modifiedAt(mtimeNs).data()) != 0) {
    throw failureFromErrno(errno, escapeText(folder->path));
  }
}

FolderPtr TargetFolder::folder(const FileName& name, Mode mode) { return descend(name, {true, mode}); }

FolderPtr TargetFolder::existing(const FileName& name) { return descend(name, {}); }

FolderPtr TargetFolder::descend(const FileName& name, const Lookup& how) {
  if (name == base_ || name.isRoot()) return root_;
  if (const auto known = recent_.find(name.text()); known != recent_.end()) return known->second;
  const FolderPtr parent = descend(name.parent(), {how.make, std::nullopt});
  if (!parent) return nullptr;
  FolderPtr found = child(parent, std::string(name.leaf()), how);
  if (!found) return nullptr;
  if (found->fresh && how.mode) takeMode(name, *found, *how.mode);
  if (recent_.size() >= kRecent) {
    recent_.clear();
    // Mostly the next one is beside this one.
    if (parent != root_) recent_.emplace(name.parent().text(), parent);
  }
  recent_.emplace(name.text(), found);
  return found;
}

FolderPtr TargetFolder::child(const FolderPtr& parent, const std::string& leaf, const Lookup& how) {
  const std::string path = parent->path + "/" + leaf;
  bool fresh = false;
  int fd = ::openat(parent->fd.get(), leaf.c_str(), kFolderFlags | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) {
    if (!how.make) return nullptr;
    fresh = ::mkdirat(parent->fd.get(), leaf.c_str(), makingMode(how.mode)) == 0;
    if (!fresh && errno != EEXIST) throw failureFromErrno(errno, escapeText(path));
    if (touched_.empty() || touched_.back() != parent) touched_.push_back(parent);
    fd = ::openat(parent->fd.get(), leaf.c_str(), kFolderFlags | O_NOFOLLOW);
  }
  if (fd < 0) throw failureFromErrno(errno, escapeText(path));
  return std::make_shared<Folder>(Folder{UniqueFd(fd), path, fresh});
}

std::vector<FolderPtr> TargetFolder::takeTouched() { return std::exchange(touched_, {}); }

}  // namespace ft
