#pragma once
// Digests of local files: at once, or on a second thread that follows a transfer.

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "client/stop_request.h"
#include "common/digest.h"

namespace ft {

// Bytes [begin, end) of an open file.
struct FileRange {
  int fd = -1;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Holes are hashed in steps of at most so many bytes, which take less than a second: a larger one has terabytes.
inline constexpr std::uint64_t kHoleStep = 256 << 20;

// Calls action(step) for the steps of a hole of `count` bytes. Throws Interrupted when `stop` comes between two.
template <typename Action>
void forHoleSteps(std::uint64_t count, const StopRequest& stop, Action action) {
  while (count > 0) {
    stop.check();
    const std::uint64_t step = std::min(count, kHoleStep);
    action(step);
    count -= step;
  }
}

// Adds the range's bytes; holes are not read. Throws Failure(Changed) when the file ends before the range does, and
// Interrupted when `stop` comes.
void hashFile(const FileRange& range, Digest& digest, const StopRequest& stop);

// Hashes, on a thread of its own, the parts of a file that a transfer has passed, in order. The transfer's thread calls
// all methods; the descriptor must stay open until finish() or the destructor.
class FollowingDigest {
 public:
  // `digest` holds what lies before the first part.
  FollowingDigest(int fd, Digest digest);
  ~FollowingDigest();
  FollowingDigest(const FollowingDigest&) = delete;
  FollowingDigest& operator=(const FollowingDigest&) = delete;

  // The bytes [begin, end) are in the file. Waits when the digest is more than kLag behind, so that finish() is always
  // near.
  void data(std::uint64_t begin, std::uint64_t end);
  // `count` zero bytes follow, at most kHoleStep. Waits as data() does.
  void hole(std::uint64_t count);
  // Waits for the rest. Throws Failure(Changed) when the file ended early. To be called once.
  DigestValue finish();

 private:
  struct Part {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool isHole = false;
  };
  void run();
  void add(Part part);

  const int fd_;
  Digest digest_;
  std::vector<std::byte> buffer_;  // the thread's own
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Part> parts_;
  std::uint64_t behind_ = 0;  // bytes in parts_
  bool finished_ = false;
  bool abandoned_ = false;
  std::exception_ptr error_;
  std::thread thread_;
};

// The digest of a file that a transfer moves, taken beside it. XXH128 costs less than handing the bytes to another
// thread, so it is taken here, a window at a time while its bytes are still in the processor's cache; the slower ones
// are left to a FollowingDigest. Belongs to the transfer's thread; the descriptor must stay open until finish() or the
// destructor.
class FileDigest {
 public:
  // `digest` holds what lies before the first part.
  FileDigest(int fd, Digest digest);

  // As those of FollowingDigest; failures are kept for finish().
  void data(std::uint64_t begin, std::uint64_t end);
  void hole(std::uint64_t count);
  // The bytes at `begin`, which are in the file as well, from memory: nothing is read again.
  void bytes(std::uint64_t begin, std::span<const std::byte> piece);
  DigestValue finish();

 private:
  void take();

  const int fd_;
  Digest digest_;
  std::vector<std::byte> buffer_;
  std::uint64_t begin_ = 0, end_ = 0;  // passed, but not hashed yet
  std::exception_ptr error_;
  std::optional<FollowingDigest> following_;
};

}  // namespace ft
