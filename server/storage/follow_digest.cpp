#include "server/storage/follow_digest.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>
#include <stdexcept>

#include "common/error.h"

namespace ft {
namespace {

// Fits into the second-level cache beside the bytes' own lines.
constexpr std::size_t kBlock = 256 * 1024;
// Of data or of a hole, before anyone looks again whether the digests are still wanted: about two milliseconds of MD5.
constexpr std::uint64_t kStep = 1 << 20;
// How long a writer that is done waits at a time for another thread's step.
constexpr std::chrono::milliseconds kWait{3};
// Waking a thread for less costs more than the hashing.
constexpr std::uint64_t kWorthWaking = 512 * 1024;
// A writer that is further ahead lends a hand, so that what is to be hashed is still in the processor's last cache.
constexpr std::uint64_t kMaxBehind = 8 << 20;
// After so much of one file, others get their turn.
constexpr std::uint64_t kTurn = 8 << 20;

std::vector<std::byte>& blockOfThisThread() {
  thread_local std::vector<std::byte> block(kBlock);
  return block;
}

int digestData(int fd, std::uint64_t begin, std::uint64_t end, DigestSet& digests) {
  std::vector<std::byte>& block = blockOfThisThread();
  while (begin < end) {
    const std::size_t wanted = std::min<std::uint64_t>(block.size(), end - begin);
    const ssize_t got = ::pread(fd, block.data(), wanted, static_cast<off_t>(begin));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : EIO;
    digests.update(std::span<const std::byte>(block).first(static_cast<std::size_t>(got)));
    begin += static_cast<std::uint64_t>(got);
  }
  return 0;
}

}  // namespace

DigestSet::DigestSet(const std::vector<DigestAlgorithm>& algorithms) {
  digests_.reserve(algorithms.size());
  for (const DigestAlgorithm algorithm : algorithms) digests_.emplace_back(algorithm);
}

void DigestSet::update(std::span<const std::byte> bytes) {
  for (Digest& digest : digests_) digest.update(bytes);
}

void DigestSet::updateZeros(std::uint64_t count) {
  for (Digest& digest : digests_) digest.updateZeros(count);
}

std::vector<DigestValue> DigestSet::values() const {
  std::vector<DigestValue> values;
  values.reserve(digests_.size());
  for (const Digest& digest : digests_) values.push_back(digest.value());
  return values;
}

DigestValue DigestSet::value(DigestAlgorithm algorithm) const {
  for (const Digest& digest : digests_) {
    if (digest.algorithm() == algorithm) return digest.value();
  }
  throw std::logic_error("a digest is asked for that was not taken");
}

std::vector<DigestAlgorithm> DigestSet::algorithms() const {
  std::vector<DigestAlgorithm> algorithms;
  algorithms.reserve(digests_.size());
  for (const Digest& digest : digests_) algorithms.push_back(digest.algorithm());
  return algorithms;
}

int digestRange(int fd, std::uint64_t begin, std::uint64_t end, DigestSet& digests) {
  while (begin < end) {
    const off_t found = ::lseek(fd, static_cast<off_t>(begin), SEEK_DATA);
    if (found < 0 && errno != ENXIO) return digestData(fd, begin, end, digests);
    const std::uint64_t data = found < 0 ? end : std::min(end, static_cast<std::uint64_t>(found));
    digests.updateZeros(data - begin);
    if (data == end) return 0;
    const off_t hole = ::lseek(fd, static_cast<off_t>(data), SEEK_HOLE);
    const std::uint64_t stop = hole < 0 ? end : std::min(end, static_cast<std::uint64_t>(hole));
    if (const int error = digestData(fd, data, stop, digests); error != 0) return error;
    begin = stop;
  }
  return 0;
}

struct DigestPool::Task {
  struct Segment {
    std::uint64_t count;
    bool hole;
  };

  std::mutex mutex;
  std::condition_variable idle;
  int fd = -1;
  std::uint64_t offset = 0;   // of the first byte not hashed
  std::uint64_t pending = 0;  // bytes that wait, those of holes too: they cost as much
  std::deque<Segment> segments;
  DigestSet digests;
  bool running = false;  // one thread at a time has the digests
  bool queued = false;
  bool stopped = false;
  std::exception_ptr error;  // ends the hashing, and is told by finish()

  bool runnable() const { return !segments.empty() && !stopped && !error; }

  // Hashes the next block with the lock given up meanwhile; `running` must be false and runnable() true. What fails is
  // kept in `error`.
  std::uint64_t step(std::unique_lock<std::mutex>& lock) {
    const Segment front = segments.front();
    const std::uint64_t count = std::min(front.count, kStep);
    const std::uint64_t from = offset;
    running = true;
    lock.unlock();
    std::exception_ptr failed;
    try {
      hash(front.hole, from, count);
    } catch (...) {
      failed = std::current_exception();
    }
    lock.lock();
    running = false;
    error = failed;
    offset += count;
    pending -= count;
    segments.front().count -= count;
    if (segments.front().count == 0) segments.pop_front();
    idle.notify_all();
    return count;
  }

 private:
  void hash(bool hole, std::uint64_t from, std::uint64_t count) {
    if (hole) {
      digests.updateZeros(count);
    } else if (const int failed = digestData(fd, from, from + count, digests); failed != 0) {
      throw failureFromErrno(failed, "cannot read back what was written");
    }
  }
};

DigestPool::DigestPool(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

DigestPool::~DigestPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void DigestPool::enqueue(std::shared_ptr<Task> task) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void DigestPool::enqueueAgain(const std::shared_ptr<Task>& task) {
  try {
    enqueue(task);
  } catch (const std::bad_alloc&) {
    // The writer does the rest by itself when it waits for it.
  }
}

void DigestPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const std::shared_ptr<Task> task = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    bool again = false;
    {
      std::unique_lock taskLock(task->mutex);
      task->queued = false;
      for (std::uint64_t done = 0; done < kTurn && task->runnable() && !task->running;) done += task->step(taskLock);
      again = task->runnable() && !task->running && !task->queued;
      if (again) task->queued = true;
    }
    if (again) enqueueAgain(task);
    lock.lock();
  }
}

FollowDigest::FollowDigest(DigestPool& pool, int fd, std::uint64_t offset, DigestSet digests)
    : pool_(pool), task_(std::make_shared<DigestPool::Task>()) {
  task_->fd = fd;
  task_->offset = offset;
  task_->digests = std::move(digests);
}

FollowDigest::~FollowDigest() {
  std::unique_lock lock(task_->mutex);
  task_->stopped = true;
  task_->idle.wait(lock, [this] { return !task_->running; });
}

void FollowDigest::wrote(std::uint64_t count) { add(count, false); }
void FollowDigest::skipped(std::uint64_t count) { add(count, true); }

void FollowDigest::add(std::uint64_t count, bool hole) {
  if (count == 0) return;
  bool wake = false;
  bool behind = false;
  {
    const std::lock_guard lock(task_->mutex);
    if (!task_->segments.empty() && task_->segments.back().hole == hole) {
      task_->segments.back().count += count;
    } else {
      task_->segments.push_back({count, hole});
    }
    task_->pending += count;
    wake = task_->pending >= kWorthWaking && !task_->queued && !task_->running;
    if (wake) task_->queued = true;
    behind = task_->pending > kMaxBehind;
  }
  if (wake) pool_.enqueue(task_);
  if (behind) drain(kMaxBehind);
}

void FollowDigest::drain(std::uint64_t most) {
  std::unique_lock lock(task_->mutex);
  while (task_->runnable() && (task_->pending > most || most == 0)) {
    if (task_->running) {
      task_->idle.wait(lock);
    } else {
      task_->step(lock);
    }
  }
}

bool FollowDigest::comeNearer() {
  std::unique_lock lock(task_->mutex);
  if (task_->running) {
    task_->idle.wait_for(lock, kWait);
  } else if (task_->runnable()) {
    task_->step(lock);
  }
  return !task_->running && !task_->runnable();
}

DigestSet FollowDigest::finish() {
  drain(0);
  const std::lock_guard lock(task_->mutex);
  if (task_->error) std::rethrow_exception(task_->error);
  return std::move(task_->digests);
}

}  // namespace ft
