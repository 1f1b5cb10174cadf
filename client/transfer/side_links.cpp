#include "client/transfer/side_links.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <system_error>
#include <thread>

namespace ft {
namespace {

using std::chrono::microseconds;

// Shorter round trips are those of one machine or one house; a connection is at full speed there before another is
// open.
constexpr microseconds kLongRoundTrip{2'000};
// What a connection sends in its first two round trips; less is not worth another one. Bytes.
constexpr std::uint64_t kWorthOne = 32 * 1024;
// Where the round trip is short, files that are so many that making them is what takes the time: several of the
// server's threads, and of ours, make them at once.
constexpr std::uint64_t kManyFiles = 512;
constexpr std::size_t kLinksForMany = 4;
// Enough to have a long line full after five round trips, and half of what servers mostly allow one address.
constexpr std::size_t kLinksForBytes = 16;
// Many files that are together so short that they are through while the connections still begin: twice as many carry
// them a round trip sooner. Bytes.
constexpr std::uint64_t kFewBytes = 32 << 20;
// What a small file costs on the line beside its bytes.
constexpr std::uint64_t kHeaderCost = 256;

// As the kernel measured it, first of all while it connected; 0 where the connection is no TCP.
microseconds roundTripOf(const Connection& connection) {
  tcp_info info{};
  socklen_t size = sizeof info;
  const int fd = connection.fd();
  if (fd < 0 || ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return microseconds(0);
  // The least that was seen: the line's own, whatever else the two machines are doing.
  return microseconds(std::min(info.tcpi_rtt, info.tcpi_min_rtt));
}

}  // namespace

bool SideLinks::isLong() {
  return link_.persist([&] { return roundTripOf(link_.connection()) >= kLongRoundTrip; });
}

std::size_t SideLinks::widthFor(std::uint64_t files, std::uint64_t bytes) {
  const std::uint64_t worth = bytes / kWorthOne + files * kHeaderCost / kWorthOne;
  const bool brief = files >= kManyFiles && bytes <= kFewBytes;
  const std::size_t most = limit_.value_or(brief ? kMaxLinks : kLinksForBytes);
  if (most < 2 || worth < 2) return 1;
  if (!limit_ && !isLong()) return files >= kManyFiles ? kLinksForMany : 1;
  return static_cast<std::size_t>(std::min<std::uint64_t>(most, worth));
}

void SideLinks::open(std::size_t width) {
  while (sides_.size() + 1 < width) {
    auto side = std::make_unique<Side>();
    side->opening = std::async(std::launch::async, link_.way());
    Link::Ways ways;
    ways.connect = [way = link_.way(), &opening = side->opening] { return opening.valid() ? opening.get() : way(); };
    side->link = std::make_unique<Link>(std::move(ways), RetryPolicy{0, false}, link_.stop());
    sides_.push_back(std::move(side));
  }
}

void SideLinks::run(std::size_t width, const Work& work) {
  std::vector<std::jthread> threads;
  try {
    open(width);
    for (std::size_t number = 1; number < width; ++number) {
      Link& side = *sides_[number - 1]->link;
      threads.emplace_back([&work, &side, number] {
        try {
          work(side, number);
        } catch (const std::exception&) {
          side.drop();
        }
      });
    }
  } catch (const std::system_error&) {
    // No more threads to be had: those that run are enough.
    link_.stop().check();
  }
  work(link_, 0);
}

}  // namespace ft
