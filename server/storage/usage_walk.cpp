#include "server/storage/usage_walk.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/error.h"
#include "common/protocol.h"
#include "server/storage/disk_failure.h"
#include "server/storage/folder_reader.h"

namespace ft {
namespace {

// The kernel takes no path that is longer than 4,095 bytes; a part has up to 255.
constexpr std::size_t kLongestPath = 3800;

bool countsAsNothing(ErrorCode code) {
  return code == ErrorCode::NotFound || code == ErrorCode::NotDirectory || code == ErrorCode::Forbidden;
}

// The beginning of the path that one call can open: as many whole parts as fit, or one part.
std::size_t pieceOf(std::string_view path, bool one) {
  if (!one && path.size() <= kLongestPath) return path.size();
  const std::size_t slash = one ? path.find('/') : path.rfind('/', kLongestPath);
  return std::min(slash, path.size());
}

}  // namespace

Usage UsageWalk::count(const FileName& folder) {
  usage_ = {};
  atRoot_ = folder.isRoot();
  const Opened top = root_.openFolder(folder);
  if (!top) {
    const Failure failure = diskFailure(top.error, "count", folder);
    if (countsAsNothing(failure.code())) return usage_;
    throw failure;
  }
  top_ = top.fd.get();
  path_.clear();
  read(folder);
  while (!levels_.empty()) {
    Level& level = levels_.back();
    path_.resize(level.path);
    if (level.folders.empty()) {
      levels_.pop_back();
      continue;
    }
    if (!path_.empty()) path_ += '/';
    path_ += level.folders.back();
    level.folders.pop_back();
    read(folder);
  }
  return usage_;
}

Opened UsageWalk::open(std::string_view path) const {
  if (path.empty()) return root_.openChildFolder(top_, ".");
  Opened at;
  while (at && !path.empty()) {
    const std::size_t piece = pieceOf(path, !root_.usesOpenat2());
    at = root_.openChildFolder(at.fd ? at.fd.get() : top_, std::string(path.substr(0, piece)));
    path.remove_prefix(std::min(piece + 1, path.size()));
  }
  return at;
}

// Reads the folder of path_, and leaves what is below it to the levels.
void UsageWalk::read(const FileName& top) {
  const Opened folder = open(path_);
  int error = folder.error;
  if (folder) {
    levels_.push_back({path_.size(), {}});
    FolderReader reader(folder.fd.get());
    FolderReader::Entry entry;
    while (reader.next(entry)) visit(folder.fd.get(), std::string(entry.name));
    error = reader.error();
  }
  if (error == 0) return;
  const Failure failure = diskFailure(error, "count what is in", top);
  if (!countsAsNothing(failure.code())) throw failure;
}

void UsageWalk::visit(int folder, const std::string& name) {
  struct stat info {};
  if (atRoot_ && path_.empty() && name == kReservedFolder) return;
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  ++usage_.files;
  if (S_ISREG(info.st_mode)) usage_.bytes += static_cast<std::uint64_t>(info.st_size);
  if (S_ISDIR(info.st_mode) && !isExcepted(name)) levels_.back().folders.push_back(name);
}

bool UsageWalk::isExcepted(const std::string& name) const {
  return !except_.empty() && except_.contains(path_.empty() ? name : path_ + "/" + name);
}

}  // namespace ft
