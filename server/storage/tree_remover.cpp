#include "server/storage/tree_remover.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "server/storage/storage.h"

namespace ft {
namespace {

// Others may store into the folder while it is removed; at some point they have won.
constexpr int kMaxTries = 16;
// As many go in any case: the way to them is walked again each time.
constexpr std::size_t kLeast = 256;

std::chrono::steady_clock::time_point deadlineFor(std::chrono::milliseconds time) {
  using Clock = std::chrono::steady_clock;
  return time == kNoHurry ? Clock::time_point::max() : Clock::now() + time;
}

}  // namespace

TreeRemover::TreeRemover(const RootedFolder& root, std::chrono::milliseconds time)
    : root_(root), until_(deadlineFor(time)) {}

bool TreeRemover::timeIsUp() { return ++removed_ > kLeast && std::chrono::steady_clock::now() >= until_; }

int TreeRemover::enter(int parent, const std::string& leaf) {
  if (levels_.size() == kMaxDepth) return ENAMETOOLONG;
  Opened folder = root_.openChild(parent, leaf, O_RDONLY | O_DIRECTORY);
  if (folder) {
    const int fd = folder.fd.get();
    levels_.push_back({std::move(folder.fd), leaf, FolderReader(fd)});
    return 0;
  }
  // It became something else, or nothing, since it was seen.
  if (folder.error != ENOTDIR && folder.error != ELOOP && folder.error != ENOENT) return folder.error;
  return ::unlinkat(parent, leaf.c_str(), 0) == 0 || errno == ENOENT ? 0 : errno;
}

int TreeRemover::sweep(std::string& folder) {
  const int fd = levels_.back().fd.get();
  FolderReader& reader = levels_.back().reader;
  FolderReader::Entry entry;
  while (reader.next(entry)) {
    const std::string name(entry.name);
    if (::unlinkat(fd, name.c_str(), 0) == 0 || errno == ENOENT) {
      if (timeIsUp()) return EAGAIN;
      continue;
    }
    // POSIX lets unlink() of a folder fail with EPERM, Linux says EISDIR.
    if (errno != EISDIR) return errno;
    folder = name;
    return 0;
  }
  return reader.error();
}

int TreeRemover::leave(int parent) {
  if (::unlinkat(parent, levels_.back().name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
    levels_.pop_back();
    return timeIsUp() && !levels_.empty() ? EAGAIN : 0;
  }
  const int error = errno;
  const bool filledMeanwhile = (error == ENOTEMPTY || error == EEXIST) && ++levels_.back().tries < kMaxTries;
  return filledMeanwhile ? levels_.back().reader.seek(0) : error;
}

int TreeRemover::remove(int parent, const std::string& leaf) {
  int error = enter(parent, leaf);
  while (error == 0 && !levels_.empty()) {
    std::string folder;
    error = sweep(folder);
    if (error != 0) break;
    if (!folder.empty()) {
      error = enter(levels_.back().fd.get(), folder);
    } else {
      error = leave(levels_.size() == 1 ? parent : levels_[levels_.size() - 2].fd.get());
    }
  }
  levels_.clear();
  return error;
}

}  // namespace ft
