#include "client/transfer/pieces.h"

#include <algorithm>

namespace ft {

std::optional<Piece> Pieces::take(bool wait) {
  std::unique_lock lock(mutex_);
  const auto free = [this] { return givenUp_ || next_ == end_ || next_ - done_ <= ahead_; };
  if (wait) changed_.wait(lock, free);
  if (!free() || givenUp_ || next_ == end_) return std::nullopt;
  const Piece piece{next_, std::min(size_, end_ - next_)};
  next_ = piece.end();
  return piece;
}

void Pieces::done(const Piece& piece) {
  const std::lock_guard lock(mutex_);
  early_.insert(piece);
  const std::uint64_t before = done_;
  while (!early_.empty() && early_.begin()->begin == done_) {
    done_ = early_.begin()->end();
    early_.erase(early_.begin());
  }
  if (done_ > before) reached_(before, done_);
  changed_.notify_all();
}

void Pieces::giveUp() {
  const std::lock_guard lock(mutex_);
  givenUp_ = true;
  changed_.notify_all();
}

std::uint64_t Pieces::reached() {
  const std::lock_guard lock(mutex_);
  return done_;
}

}  // namespace ft
