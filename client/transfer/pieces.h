#pragma once
// The pieces of one large file while several connections move them: handed out in order, reported in any order, counted
// from the beginning. Any thread may call.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>

namespace ft {

struct Piece {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  std::uint64_t end() const { return begin + size; }
  bool operator<(const Piece& other) const { return begin < other.begin; }
};

class Pieces {
 public:
  // Told, one call at a time, when all bytes before `end` are done and those before `begin` were already.
  using Reached = std::function<void(std::uint64_t begin, std::uint64_t end)>;

  // Of the bytes [begin, end). None is handed out that is more than `ahead` before the first that is not done.
  // `size` is that of each, but for the last.
  Pieces(Piece whole, std::uint64_t ahead, Reached reached, std::uint64_t size = kSize)
      : end_(whole.end()),
        ahead_(ahead),
        size_(size),
        reached_(std::move(reached)),
        next_(whole.begin),
        done_(whole.begin) {}

  // nullopt when there are no more, somebody gave up, or, without `wait`, others have to be done first.
  std::optional<Piece> take(bool wait);
  void done(const Piece& piece);
  // No more are handed out.
  void giveUp();
  // All bytes before it are done.
  std::uint64_t reached();
  bool finished() { return reached() == end_; }

  static constexpr std::uint64_t kSize = 4 << 20;
  // For so many connections that one would end long after the others with pieces of kSize.
  static constexpr std::uint64_t sizeFor(std::size_t connections) { return connections < 8 ? kSize : kSize / 4; }
  // Shorter files are not cut up. Bytes.
  static constexpr std::uint64_t kWorthCutting = 16 << 20;

 private:
  const std::uint64_t end_;
  const std::uint64_t ahead_;
  const std::uint64_t size_;
  const Reached reached_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_;
  std::uint64_t done_;
  std::set<Piece> early_;  // done before those in front of them
  bool givenUp_ = false;
};

}  // namespace ft
