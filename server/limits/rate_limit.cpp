#include "server/limits/rate_limit.h"

#include <algorithm>

namespace ft {
namespace {

// What may be moved at once after a pause, in seconds of the rate.
constexpr double kBurst = 0.5;

}  // namespace

void RateBucket::setRate(std::uint64_t rate) {
  const std::lock_guard lock(mutex_);
  if (rate == rate_) return;
  // A debt of a slow rate would be paid at the new one, but a session waits for the time that it was told.
  tokens_ = std::max(tokens_, 0.0);
  rate_ = rate;
}

RateBucket::TimePoint RateBucket::take(std::uint64_t bytes, TimePoint now) {
  const TimePoint here = takeHere(bytes, now);
  return around_ ? std::max(here, around_->take(bytes, now)) : here;
}

RateBucket::TimePoint RateBucket::takeHere(std::uint64_t bytes, TimePoint now) {
  const auto rate = static_cast<double>(rate_.load(std::memory_order_relaxed));
  if (rate <= 0) return now;
  const std::lock_guard lock(mutex_);
  const double passed = std::max(0.0, std::chrono::duration<double>(now - filled_).count());
  tokens_ = std::min(rate * kBurst, tokens_ + passed * rate) - static_cast<double>(bytes);
  filled_ = std::max(filled_, now);
  if (tokens_ >= 0) return now;
  return now + std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(-tokens_ / rate));
}

std::shared_ptr<RateBucket> RateLimits::ofAddress(const std::string& source) {
  const std::lock_guard lock(mutex_);
  if (addresses_.size() >= sweepAt_) {
    std::erase_if(addresses_, [](const auto& entry) { return entry.second.expired(); });
    sweepAt_ = std::max<std::size_t>(64, addresses_.size() * 2);
  }
  std::weak_ptr<RateBucket>& place = addresses_[source];
  std::shared_ptr<RateBucket> bucket = place.lock();
  if (!bucket) {
    bucket = std::make_shared<RateBucket>(perAddress_, all_);
    place = bucket;
  }
  return bucket;
}

void RateLimits::setRates(std::uint64_t all, std::uint64_t perAddress) {
  all_->setRate(all);
  const std::lock_guard lock(mutex_);
  perAddress_ = perAddress;
  for (const auto& [source, weak] : addresses_) {
    if (const auto bucket = weak.lock()) bucket->setRate(perAddress);
  }
}

}  // namespace ft
