#include "server/storage/upload_digest.h"

#include <algorithm>
#include <utility>

#include "common/error.h"

namespace ft {
namespace {

// Slow digests of larger files are taken by another thread behind the writing.
constexpr std::uint64_t kFollowFrom = 2 << 20;
// A fast digest is taken by the writer itself, of so many bytes at a time as are still in the cache of the processor.
constexpr std::uint64_t kWindow = 1 << 20;
// How much is read in one step: about two milliseconds of MD5, the slowest digest.
constexpr std::uint64_t kStep = 1 << 20;

// XXH128 runs at memory speed: handing it to another thread costs more than it takes.
bool isSlow(DigestAlgorithm algorithm) { return algorithm != DigestAlgorithm::Xxh128; }

[[noreturn]] void failToReadBack(int error) { throw failureFromErrno(error, "cannot read back what was written"); }

}  // namespace

UploadDigest::UploadDigest(DigestPool& pool, std::vector<DigestAlgorithm> algorithms, std::optional<std::uint64_t> size)
    : pool_(pool),
      algorithms_(std::move(algorithms)),
      size_(size),
      slow_(std::any_of(algorithms_.begin(), algorithms_.end(), isSlow)),
      digests_(algorithms_) {}

void UploadDigest::restart() {
  follower_.reset();
  digests_ = DigestSet(algorithms_);
  digested_ = end_ = 0;
  lost_ = false;
}

void UploadDigest::resume(std::uint64_t length, const std::vector<DigestAlgorithm>& algorithms,
                          std::optional<DigestSet> known) {
  digested_ = known ? length : 0;
  digests_ = known ? std::move(*known) : DigestSet(algorithms);
  end_ = length;
}

void UploadDigest::follow() {
  if (follower_) return;
  readAll();
  lost_ = true;  // unless all goes well
  follower_ = std::make_unique<FollowDigest>(pool_, fd_, end_, std::move(digests_));
  lost_ = false;
}

void UploadDigest::wrote(std::span<const std::byte> bytes) {
  if (slow_ && size_.value_or(end_ + bytes.size()) > kFollowFrom) follow();
  if (follower_) return wrote(std::uint64_t{bytes.size()});
  readAll();
  digests_.update(bytes);
  end_ += bytes.size();
  digested_ = end_;
}

void UploadDigest::wrote(std::uint64_t count) {
  if (slow_) follow();
  end_ += count;
  if (follower_) {
    follower_->wrote(count);
  } else if (end_ - digested_ >= kWindow) {
    readAll();
  }
}

void UploadDigest::skipped(std::uint64_t count) {
  if (follower_) {
    follower_->skipped(count);
    end_ += count;
    return;
  }
  readAll();
  digests_.updateZeros(count);
  end_ += count;
  digested_ = end_;
}

int UploadDigest::readOn() {
  if (follower_ || !isBehind()) return 0;
  const std::uint64_t end = std::min(end_, digested_ + kStep);
  if (const int error = digestRange(fd_, digested_, end, digests_); error != 0) return error;
  digested_ = end;
  return 0;
}

void UploadDigest::readAll() {
  while (isBehind()) {
    if (const int error = readOn(); error != 0) failToReadBack(error);
  }
}

bool UploadDigest::comeNearer() {
  if (follower_) return follower_->comeNearer();
  if (const int error = readOn(); error != 0) failToReadBack(error);
  return !isBehind();
}

std::vector<DigestValue> UploadDigest::finish() {
  if (follower_) {
    digests_ = follower_->finish();
    follower_.reset();
    digested_ = end_;
  } else {
    readAll();
  }
  return digests_.values();
}

void UploadDigest::giveUp() noexcept {
  if (!follower_) return;
  follower_.reset();
  lost_ = true;
}

std::optional<DigestSet> UploadDigest::release() {
  if (lost_) return std::nullopt;
  while (isBehind()) {
    if (readOn() != 0) return std::nullopt;
  }
  return std::move(digests_);
}

}  // namespace ft
