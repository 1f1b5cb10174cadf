#pragma once
// A token bucket for each source, in a table that never grows: a flood from many (perhaps forged) addresses costs no
// memory. A source that was not seen for long gives its place away and begins anew with a full bucket. Any thread may
// call.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "server/limits/source_address.h"

namespace ft {

class SourceLimiter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `rate` a second from one source, with bursts of as many as one second's; a source on loopback has `loopbackRate`.
  SourceLimiter(double rate, double loopbackRate, std::uint64_t seed);

  // False: this one is too much.
  bool take(const SourceAddress& source, TimePoint now);

 private:
  struct Bucket {
    SourceAddress source;
    TimePoint seen{};
    double tokens = 0;
  };

  Bucket& find(const SourceAddress& source, TimePoint now);
  double rateOf(const SourceAddress& source) const { return source.loopback() ? loopbackRate_ : rate_; }

  const double rate_;
  const double loopbackRate_;
  const std::uint64_t seed_;  // so that nobody can choose addresses that share a set
  std::mutex mutex_;
  std::vector<Bucket> buckets_;
};

}  // namespace ft
