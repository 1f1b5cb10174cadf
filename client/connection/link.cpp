#include "client/connection/link.h"

#include <algorithm>

#include "client/exit_code.h"
#include "client/failures.h"

namespace ft {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{200};
constexpr milliseconds kLongestPause{15'000};
constexpr int kDoublings = 7;  // after which kLongestPause is reached

}  // namespace

std::optional<milliseconds> Backoff::next() {
  if (used_ >= limit_) return std::nullopt;
  const milliseconds full = std::min(kLongestPause, kFirstPause * (1 << std::min(used_, kDoublings)));
  ++used_;
  return std::uniform_int_distribution<milliseconds::rep>(full.count() / 2, full.count())(random_) * milliseconds(1);
}

Link::Link(Ways ways, RetryPolicy policy, const StopRequest& stop, std::uint32_t seed)
    : ways_(std::move(ways)), policy_(policy), stop_(stop), backoff_(policy.limit, seed) {}

Connection& Link::connection() {
  if (!connection_) {
    connection_ = ways_.connect();
    reached_ = true;
  }
  return *connection_;
}

bool Link::pauseAfter(const std::exception& error) {
  const bool broken = mayPass(error) || dynamic_cast<const ProtocolError*>(&error) != nullptr;
  if (broken) drop();
  if (!mayPass(error) || (!reached_ && !policy_.firstToo)) return false;
  const auto pause = backoff_.next();
  if (!pause) return false;
  if (ways_.notice) ways_.notice(problemOf(error).message, *pause, backoff_.used());
  ways_.pause(*pause);
  return true;
}

}  // namespace ft
