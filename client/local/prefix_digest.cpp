#include "client/local/prefix_digest.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/error.h"

namespace ft {
namespace {

// A server that has nothing of the file answers before.
constexpr std::chrono::milliseconds kGrace{10};
// Between two looks at whether the user wants to stop.
constexpr std::chrono::milliseconds kLook{50};

}  // namespace

bool PrefixDigest::suits(const SourceFile& source, DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::Xxh128 && source.size() >= kWorthIt && source.dataSize() == source.size();
}

PrefixDigest::PrefixDigest(const SourceFile& source, const StopRequest& stop)
    : source_(source), stop_(stop), target_(source.size()) {
  try {
    for (std::size_t i = 0; i < kReaders; ++i) threads_.emplace_back([this] { readBlocks(); });
    threads_.emplace_back([this] { hashBlocks(); });
  } catch (...) {
    giveUp();
    throw;
  }
}

PrefixDigest::~PrefixDigest() { giveUp(); }

void PrefixDigest::giveUp() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void PrefixDigest::readBlock(std::uint64_t begin, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t got = ::pread(source_.fd(), into.data(), into.size(), static_cast<off_t>(begin));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw failureFromErrno(errno, "reading the file failed");
    if (got == 0) throwSourceChanged(source_.path());
    begin += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

void PrefixDigest::readBlocks() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kGrace, [this] { return begun_ || stopping_; });
  for (;;) {
    changed_.wait(lock, [this] {
      return stopping_ || error_ || (next_ < target_ && next_ < hashed_ + kBlock * kBlocks && !blockAt(next_).ready);
    });
    if (stopping_ || error_) return;
    const std::uint64_t begin = next_;
    Block& block = blockAt(begin);
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, source_.size() - begin));
    next_ += size;
    lock.unlock();
    std::exception_ptr error;
    try {
      block.bytes.resize(kBlock);
      readBlock(begin, std::span(block.bytes).first(size));
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error) error_ = error;
    block.ready = true;
    changed_.notify_all();
  }
}

void PrefixDigest::hashBlocks() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || error_ || (hashed_ < target_ && blockAt(hashed_).ready); });
    if (stopping_ || error_) return;
    Block& block = blockAt(hashed_);
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, target_ - hashed_));
    lock.unlock();
    std::exception_ptr error;
    try {
      digest_.update(std::span<const std::byte>(block.bytes).first(size));
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error) error_ = error;
    hashed_ += size;
    block.ready = false;
    changed_.notify_all();
  }
}

std::optional<Digest> PrefixDigest::finish(std::uint64_t size, const std::function<void()>& sign) {
  std::unique_lock lock(mutex_);
  target_ = size;
  begun_ = true;
  changed_.notify_all();
  while (hashed_ < target_ && !error_) {
    changed_.wait_for(lock, kLook, [this] { return hashed_ >= target_ || error_; });
    lock.unlock();
    stop_.check();
    sign();
    lock.lock();
  }
  stopping_ = true;
  lock.unlock();
  changed_.notify_all();
  threads_.clear();
  if (error_) std::rethrow_exception(error_);
  if (hashed_ != size) return std::nullopt;
  return std::move(digest_);
}

}  // namespace ft
