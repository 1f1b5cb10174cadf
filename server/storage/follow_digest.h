#pragma once
// Digests of a file while it is written: a pool of threads reads behind the writer, out of the page cache, so that
// receiving and hashing take turns on two cores instead of one. The writer lends a hand when it must wait.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "common/digest.h"

namespace ft {

// Several digests of the same bytes. One thread at a time.
class DigestSet {
 public:
  DigestSet() = default;
  explicit DigestSet(const std::vector<DigestAlgorithm>& algorithms);
  void update(std::span<const std::byte> bytes);
  void updateZeros(std::uint64_t count);
  // In the order of the algorithms.
  std::vector<DigestValue> values() const;
  DigestValue value(DigestAlgorithm algorithm) const;
  std::vector<DigestAlgorithm> algorithms() const;

 private:
  std::vector<Digest> digests_;
};

// Hashes [begin, end) of a file, holes without reading them. Returns an errno; EIO also when the file ends before
// `end`.
int digestRange(int fd, std::uint64_t begin, std::uint64_t end, DigestSet& digests);

class FollowDigest;

// The threads. Outlives every FollowDigest that was made with it.
class DigestPool {
 public:
  explicit DigestPool(unsigned threads);
  ~DigestPool();
  DigestPool(const DigestPool&) = delete;
  DigestPool& operator=(const DigestPool&) = delete;

 private:
  friend class FollowDigest;
  struct Task;
  void enqueue(std::shared_ptr<Task> task);
  void enqueueAgain(const std::shared_ptr<Task>& task);
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Task>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// The digests of one file that is being written. Belongs to the writer's thread.
class FollowDigest {
 public:
  // `digests` have seen the bytes before `offset`. Borrows the descriptor.
  FollowDigest(DigestPool& pool, int fd, std::uint64_t offset, DigestSet digests);
  // Gives up; waits until no thread uses the descriptor any more, for two milliseconds or so.
  ~FollowDigest();
  FollowDigest(const FollowDigest&) = delete;
  FollowDigest& operator=(const FollowDigest&) = delete;

  // `count` more bytes are in the file now. Hashes some itself when the pool is far behind.
  void wrote(std::uint64_t count);
  // `count` more bytes are a hole. They are hashed as bytes are, so the writer is held back by them, too.
  void skipped(std::uint64_t count);
  // After the last byte, and not needed: hashes or waits for some milliseconds. True: finish() will not wait.
  bool comeNearer();
  // Waits for the rest and hands the digests back, to be read or to go on with elsewhere. Throws Failure(IoError) when
  // the file could not be read back, and what else has ended the hashing, on whichever thread.
  DigestSet finish();

 private:
  void add(std::uint64_t count, bool hole);
  void drain(std::uint64_t most);

  DigestPool& pool_;
  std::shared_ptr<DigestPool::Task> task_;
};

}  // namespace ft
