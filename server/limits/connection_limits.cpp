#include "server/limits/connection_limits.h"

#include <sys/random.h>

#include <utility>

namespace ft {

bool StartupLimit::drops(std::size_t waiting, unsigned dice) const {
  if (waiting < from) return false;
  if (waiting >= all) return true;
  const std::size_t chance = percent + (100 - percent) * (waiting - from) / (all - from);
  return dice < chance;
}

ConnectionLimits::ConnectionLimits(std::size_t most, std::size_t mostFromOne, StartupLimit startups, Dice dice)
    : most_(most), mostFromOne_(mostFromOne), startups_(startups), dice_(std::move(dice)) {}

unsigned ConnectionLimits::throwDice() {
  unsigned number = 0;
  static_cast<void>(::getrandom(&number, sizeof number, GRND_NONBLOCK));
  return number % 100;
}

std::unique_ptr<ConnectionLimits::Place> ConnectionLimits::admit(const std::string& source, std::string& reason) {
  // Before anything is counted, as memory may run out.
  auto place = std::make_unique<Place>(*this);
  const std::lock_guard lock(mutex_);
  if (count_ >= most_) {
    reason = "all " + std::to_string(most_) + " connections of server.max_connections are taken; try again later";
    return nullptr;
  }
  Counts::iterator here = fromOne_.end();
  if (!source.empty()) {
    if (startups_.drops(waiting_, dice_())) {
      reason = "too many connections have made no request yet (limits.startups); try again";
      return nullptr;
    }
    here = fromOne_.try_emplace(source, 0).first;
    if (here->second >= mostFromOne_) {
      reason = "your address has all " + std::to_string(mostFromOne_) +
               " connections of server.max_per_address; try again later";
      return nullptr;
    }
    ++here->second;
    ++waiting_;
  }
  ++count_;
  place->source_ = here;
  place->counted_ = true;
  return place;
}

void ConnectionLimits::Place::settle() {
  if (std::exchange(settled_, true) || source_ == limits_.fromOne_.end()) return;
  const std::lock_guard lock(limits_.mutex_);
  --limits_.waiting_;
}

void ConnectionLimits::leave(const Place& place) {
  const std::lock_guard lock(mutex_);
  --count_;
  if (place.source_ == fromOne_.end()) return;
  if (!place.settled_) --waiting_;
  if (--place.source_->second == 0) fromOne_.erase(place.source_);
}

std::size_t ConnectionLimits::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace ft
