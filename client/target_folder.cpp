#include "client/target_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "common/error.h"
#include "common/escape.h"

namespace ft {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr mode_t kNewFolderMode = 0777;  // less the umask

// Makes what is missing of `path`; the folders in which something was made.
std::vector<FolderPtr> makeFolders(const std::string& path) {
  std::vector<FolderPtr> touched;
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    if (::mkdir(folder.c_str(), kNewFolderMode) == 0) {
      const std::string parent = folder + "/..";
      UniqueFd fd(::open(parent.c_str(), kFolderFlags));
      if (!fd) throw failureFromErrno(errno, escapeText(parent));
      touched.push_back(std::make_shared<Folder>(Folder{std::move(fd), parent, true}));
    } else if (errno != EEXIST && errno != EISDIR) {
      throw failureFromErrno(errno, escapeText(folder));
    }
  }
  return touched;
}

}  // namespace

TargetFolder TargetFolder::open(const std::string& path, const FileName& base) {
  std::vector<FolderPtr> touched;
  UniqueFd fd(::open(path.c_str(), kFolderFlags));
  if (!fd && errno == ENOENT) {
    touched = makeFolders(path + "/");
    fd.reset(::open(path.c_str(), kFolderFlags));
  }
  if (!fd) throw failureFromErrno(errno, escapeText(path));
  TargetFolder target(std::make_shared<Folder>(Folder{std::move(fd), path, false}), base);
  target.touched_ = std::move(touched);
  return target;
}

FolderPtr TargetFolder::folder(const FileName& name) { return descend(name, true); }

FolderPtr TargetFolder::existing(const FileName& name) { return descend(name, false); }

FolderPtr TargetFolder::descend(const FileName& name, bool make) {
  if (name == base_ || name.isRoot()) return root_;
  if (const auto known = recent_.find(name.text()); known != recent_.end()) return known->second;
  const FolderPtr parent = descend(name.parent(), make);
  if (!parent) return nullptr;
  FolderPtr found = child(parent, std::string(name.leaf()), make);
  if (!found) return nullptr;
  if (recent_.size() >= kRecent) {
    recent_.clear();
    // Mostly the next one is beside this one.
    if (parent != root_) recent_.emplace(name.parent().text(), parent);
  }
  recent_.emplace(name.text(), found);
  return found;
}

FolderPtr TargetFolder::child(const FolderPtr& parent, const std::string& leaf, bool make) {
  const std::string path = parent->path + "/" + leaf;
  bool fresh = false;
  int fd = ::openat(parent->fd.get(), leaf.c_str(), kFolderFlags | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) {
    if (!make) return nullptr;
    fresh = ::mkdirat(parent->fd.get(), leaf.c_str(), kNewFolderMode) == 0;
    if (!fresh && errno != EEXIST) throw failureFromErrno(errno, escapeText(path));
    if (touched_.empty() || touched_.back() != parent) touched_.push_back(parent);
    fd = ::openat(parent->fd.get(), leaf.c_str(), kFolderFlags | O_NOFOLLOW);
  }
  if (fd < 0) throw failureFromErrno(errno, escapeText(path));
  return std::make_shared<Folder>(Folder{UniqueFd(fd), path, fresh});
}

std::vector<FolderPtr> TargetFolder::takeTouched() { return std::exchange(touched_, {}); }

}  // namespace ft
