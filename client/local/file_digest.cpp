#include "client/local/file_digest.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "common/error.h"

namespace ft {
namespace {

// One read. Smaller ones cost calls, larger ones leave the cache. Bytes.
constexpr std::uint64_t kWindow = 1 << 20;
// How far the digest may fall behind: what it reads is then still in the processor's last cache. Bytes, and parts.
constexpr std::uint64_t kLag = 8 << 20;
constexpr std::size_t kMaxParts = 1024;

// Reads at most buffer.size() bytes at `position`; throws when there are none.
std::span<const std::byte> readWindow(int fd, std::uint64_t position, std::span<std::byte> buffer) {
  for (;;) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(position));
    if (got > 0) return buffer.first(static_cast<std::size_t>(got));
    if (got == 0) throw Failure(ErrorCode::Changed, "the file was cut short while it was read");
    if (errno != EINTR) throw failureFromErrno(errno, "reading the file failed");
  }
}

void hashData(FileRange range, Digest& digest, std::span<std::byte> buffer) {
  while (range.begin < range.end) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), range.end - range.begin));
    const auto window = readWindow(range.fd, range.begin, buffer.first(count));
    digest.update(window);
    range.begin += window.size();
  }
}

}  // namespace

void hashFile(const FileRange& range, Digest& digest, const StopRequest& stop) {
  constexpr std::uint64_t kStep = 16 << 20;
  auto [fd, begin, end] = range;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(kWindow, end - begin)));
  while (begin < end) {
    stop.check();
    const off_t found = ::lseek(fd, static_cast<off_t>(begin), SEEK_DATA);
    if (found < 0 && errno == ENXIO) {
      const off_t size = ::lseek(fd, 0, SEEK_END);
      if (size < 0 || static_cast<std::uint64_t>(size) < end) {
        throw Failure(ErrorCode::Changed, "the file was cut short while it was read");
      }
    }
    const std::uint64_t data =
        found >= 0 ? std::min(end, static_cast<std::uint64_t>(found)) : (errno == ENXIO ? end : begin);
    forHoleSteps(data - begin, stop, [&digest](std::uint64_t step) { digest.updateZeros(step); });
    begin = data;
    if (begin == end) return;
    const off_t hole = ::lseek(fd, static_cast<off_t>(begin), SEEK_HOLE);
    const std::uint64_t stretch = hole > static_cast<off_t>(begin) ? static_cast<std::uint64_t>(hole) : end;
    const std::uint64_t until = std::min({end, stretch, begin + kStep});
    hashData({fd, begin, until}, digest, buffer);
    begin = until;
  }
}

FollowingDigest::FollowingDigest(int fd, Digest digest)
    : fd_(fd), digest_(std::move(digest)), buffer_(kWindow), thread_([this] { run(); }) {}

FollowingDigest::~FollowingDigest() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void FollowingDigest::add(Part part) {
  std::unique_lock lock(mutex_);
  if (!parts_.empty() && !part.isHole && !parts_.back().isHole && parts_.back().end == part.begin) {
    parts_.back().end = part.end;
  } else {
    parts_.push_back(part);
  }
  behind_ += part.end - part.begin;
  changed_.notify_all();
  changed_.wait(lock, [this] { return (behind_ <= kLag && parts_.size() <= kMaxParts) || error_; });
}

void FollowingDigest::data(std::uint64_t begin, std::uint64_t end) { add({begin, end, false}); }

void FollowingDigest::hole(std::uint64_t count) { add({0, count, true}); }

DigestValue FollowingDigest::finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  changed_.notify_all();
  thread_.join();
  if (error_) std::rethrow_exception(error_);
  return digest_.value();
}

FileDigest::FileDigest(int fd, Digest digest) : fd_(fd), digest_(std::move(digest)) {
  if (digest_.algorithm() != DigestAlgorithm::Xxh128) following_.emplace(fd, std::move(digest_));
}

void FileDigest::data(std::uint64_t begin, std::uint64_t end) {
  if (following_) {
    following_->data(begin, end);
    return;
  }
  if (begin != end_) {
    take();
    begin_ = begin;
  }
  end_ = end;
  if (end_ - begin_ >= kWindow) take();
}

void FileDigest::hole(std::uint64_t count) {
  if (following_) {
    following_->hole(count);
    return;
  }
  take();
  digest_.updateZeros(count);
}

void FileDigest::bytes(std::uint64_t begin, std::span<const std::byte> piece) {
  if (following_) {
    following_->data(begin, begin + piece.size());
    return;
  }
  take();
  digest_.update(piece);
  begin_ = end_ = begin + piece.size();
}

void FileDigest::take() {
  if (begin_ == end_ || error_) return;
  buffer_.resize(kWindow);
  try {
    hashData({fd_, begin_, end_}, digest_, buffer_);
  } catch (const Failure&) {
    error_ = std::current_exception();
  }
  begin_ = end_;
}

DigestValue FileDigest::finish() {
  if (following_) return following_->finish();
  take();
  if (error_) std::rethrow_exception(error_);
  return digest_.value();
}

void FollowingDigest::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !parts_.empty() || finished_ || abandoned_; });
    if (abandoned_ || parts_.empty()) return;
    const Part part = parts_.front();
    const std::uint64_t stop = std::min(part.end, part.begin + (part.isHole ? kHoleStep : kWindow));
    lock.unlock();
    std::exception_ptr error;
    try {
      if (part.isHole) {
        digest_.updateZeros(stop - part.begin);
      } else {
        hashData({fd_, part.begin, stop}, digest_, buffer_);
      }
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    error_ = error;
    behind_ -= stop - part.begin;
    parts_.front().begin = stop;
    if (stop == parts_.front().end) parts_.pop_front();
    changed_.notify_all();
    if (error_) return;
  }
}

}  // namespace ft
