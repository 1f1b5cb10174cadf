#include "server/limits/source_limiter.h"

#include <algorithm>
#include <cstddef>

namespace ft {
namespace {

// Sets of a few places each: a source is looked for in one set alone, and takes the place there that was not used for
// longest.
constexpr std::size_t kSets = 1024;
constexpr std::size_t kPlaces = 8;

// FNV-1a, 64 bit.
std::uint64_t hashOf(const SourceAddress& source, std::uint64_t seed) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t hash = 0xcbf29ce484222325 ^ seed;
  const auto add = [&](std::uint8_t byte) { hash = (hash ^ byte) * kPrime; };
  for (const std::uint8_t byte : source.bytes) add(byte);
  add(static_cast<std::uint8_t>(source.port >> 8));
  add(static_cast<std::uint8_t>(source.port & 0xff));
  return hash ^ (hash >> 32);
}

}  // namespace

SourceLimiter::SourceLimiter(double rate, double loopbackRate, std::uint64_t seed)
    : rate_(rate), loopbackRate_(loopbackRate), seed_(seed), buckets_(kSets * kPlaces) {}

bool SourceLimiter::take(const SourceAddress& source, TimePoint now) {
  const SourceAddress key = source.limited();
  const double rate = rateOf(key);
  const std::lock_guard lock(mutex_);
  Bucket& bucket = find(key, now);
  const std::chrono::duration<double> past = now - bucket.seen;
  bucket.tokens = std::min(rate, bucket.tokens + past.count() * rate);
  bucket.seen = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

SourceLimiter::Bucket& SourceLimiter::find(const SourceAddress& source, TimePoint now) {
  const auto first = buckets_.begin() + static_cast<std::ptrdiff_t>(hashOf(source, seed_) % kSets * kPlaces);
  const auto last = first + kPlaces;
  const auto found = std::find_if(first, last, [&](const Bucket& bucket) { return bucket.source == source; });
  if (found != last) return *found;
  Bucket& oldest = *std::min_element(first, last, [](const Bucket& a, const Bucket& b) { return a.seen < b.seen; });
  oldest = Bucket{source, now, rateOf(source)};
  return oldest;
}

}  // namespace ft
