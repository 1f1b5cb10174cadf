#include "client/transfer/local_walk.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "client/local/part_file.h"
#include "client/local/source_file.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/file_time.h"
#include "common/protocol.h"

namespace ft {
namespace {

constexpr std::uint32_t kUsualMode = 0755;

std::optional<std::uint32_t> unusualMode(const struct stat& folder) {
  const std::uint32_t mode = folder.st_mode & kModeMask;
  return mode == kUsualMode ? std::nullopt : std::optional(mode);
}

}  // namespace

std::string pathBelow(const std::string& root, const std::string& relative) {
  if (relative.empty()) return root;
  return root.ends_with('/') ? root + relative : root + "/" + relative;
}

LocalWalk::LocalWalk(std::string root, TransferObserver& observer)
    : root_(std::move(root)), observer_(observer), waiting_{""} {}

void LocalWalk::failed(const std::string& relative, int error) {
  const std::string path = pathOf(relative);
  observer_.ended(failedOutcome(path, failureFromErrno(error, escapeText(path))));
}

LocalBatch LocalWalk::next(std::size_t limit) {
  LocalBatch batch;
  while (batch.size() < limit && (open_ || openNext(batch))) {
    errno = 0;
    const dirent* entry = ::readdir(open_.get());
    if (entry != nullptr) {
      take(*entry, batch);
      continue;
    }
    if (errno != 0) failed(current_, errno);
    closeCurrent(batch);
  }
  return batch;
}

void LocalWalk::closeCurrent(LocalBatch& batch) {
  open_.reset();
  // Of one that is empty, the time is set when it is made.
  if (currentTime_ && (!currentEmpty_ || current_.empty())) {
    unfinished_.push_back({{current_, *currentTime_}, currentWaiting_});
  }
  finishFolders(batch);
  if (!currentEmpty_) return;
  if (batch.folders.empty() || batch.folders.back().relative != current_) {
    batch.folders.push_back({current_, currentMode_, true, currentTime_});
  }
  batch.folders.back().empty = true;
}

void LocalWalk::finishFolders(LocalBatch& batch) {
  for (; !unfinished_.empty() && waiting_.size() <= unfinished_.back().waiting; unfinished_.pop_back()) {
    batch.finished.push_back(std::move(unfinished_.back().folder));
  }
}

bool LocalWalk::openNext(LocalBatch& batch) {
  while (!waiting_.empty()) {
    current_ = std::move(waiting_.back());
    waiting_.pop_back();
    currentWaiting_ = waiting_.size();
    currentEmpty_ = true;
    // The folder that the user named may be a link; those below may not.
    const int links = current_.empty() ? 0 : O_NOFOLLOW;
    const int fd = ::open(pathOf(current_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | links);
    if (fd >= 0) open_.reset(::fdopendir(fd));
    if (fd >= 0 && open_) {
      struct stat status {};
      const bool known = ::fstat(fd, &status) == 0;
      currentMode_ = known ? unusualMode(status) : std::nullopt;
      currentTime_ = known ? exactNanoseconds(status.st_mtim) : std::nullopt;
      if (currentMode_) batch.folders.push_back({current_, currentMode_, false, currentTime_});
      return true;
    }
    failed(current_, errno);
    if (fd >= 0) ::close(fd);
    finishFolders(batch);
  }
  return false;
}

void LocalWalk::take(const dirent& entry, LocalBatch& batch) {
  const std::string_view name = entry.d_name;
  if (name == "." || name == "..") return;
  std::string relative = current_.empty() ? std::string(name) : current_ + "/" + std::string(name);
  if (entry.d_type == DT_DIR) {
    currentEmpty_ = false;
    waiting_.push_back(std::move(relative));
    return;
  }
  struct stat status {};
  if (::fstatat(::dirfd(open_.get()), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    // Gone since the folder was read: the source vanished while it was read.
    failed(relative, errno);
    return;
  }
  if (S_ISDIR(status.st_mode)) {
    currentEmpty_ = false;
    waiting_.push_back(std::move(relative));
  } else if (S_ISREG(status.st_mode) && isPartName(name)) {
    ++parts_;
  } else if (S_ISREG(status.st_mode)) {
    currentEmpty_ = false;
    batch.files.push_back({std::move(relative), static_cast<std::uint64_t>(status.st_size), mtimeNsOf(status),
                           status.st_mode & kModeMask});
  } else {
    const char* kind = S_ISLNK(status.st_mode) ? "a symbolic link" : "a special file";
    observer_.warned(escapeText(pathOf(relative)) + ": left out: " + kind);
  }
}

}  // namespace ft
