#pragma once
// How fast bytes may move: token buckets that all sessions of a daemon, of an address or of a user share. A session
// that has moved more than there was takes a debt on, and waits until it is paid; so a step may be as large as it
// likes, and the rate holds over a second or two. Any thread may call.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace ft {

class RateBucket {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Bytes a second; 0: no limit. What is taken is taken from the bucket `around` it, too, where there is one.
  explicit RateBucket(std::uint64_t rate, std::shared_ptr<RateBucket> around = nullptr)
      : around_(std::move(around)), rate_(rate) {}

  // From now on; also for those who wait, from their next step on.
  void setRate(std::uint64_t rate);
  // Bytes have moved. Returns the time before which no more should; `now` or earlier when there is no need to wait.
  TimePoint take(std::uint64_t bytes, TimePoint now);

 private:
  TimePoint takeHere(std::uint64_t bytes, TimePoint now);

  const std::shared_ptr<RateBucket> around_;
  std::atomic<std::uint64_t> rate_;
  std::mutex mutex_;
  double tokens_ = 0;
  TimePoint filled_{};
};

// The bucket of everyone, and in it one for each address that has connections.
class RateLimits {
 public:
  RateLimits(std::uint64_t all, std::uint64_t perAddress)
      : all_(std::make_shared<RateBucket>(all)), perAddress_(perAddress) {}

  // `source` is PeerInfo::source. It lives as long as someone holds it.
  std::shared_ptr<RateBucket> ofAddress(const std::string& source);
  void setRates(std::uint64_t all, std::uint64_t perAddress);

 private:
  const std::shared_ptr<RateBucket> all_;
  std::mutex mutex_;
  std::uint64_t perAddress_;
  std::map<std::string, std::weak_ptr<RateBucket>> addresses_;
  std::size_t sweepAt_ = 64;
};

}  // namespace ft
