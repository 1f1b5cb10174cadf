// One connection to a server that sends without end and takes nothing: what it may cost.

#include "client/connection/connection.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/error.h"

using namespace ft;

namespace {

constexpr std::size_t kFlood = std::size_t{64} << 20;

// A server that takes nothing, and sends zeros as long as they are read.
class FloodingTransport : public Transport {
 public:
  explicit FloodingTransport(std::size_t& sent) : sent_(sent) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    near_.reset(ends[0]);
    far_.reset(ends[1]);
    const std::array<std::byte, 4096> bytes{};
    while (::send(near_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) continue;
    REQUIRE(::send(far_.get(), bytes.data(), 1, MSG_NOSIGNAL) == 1);
  }
  IoResult read(std::span<std::byte> into) override {
    const std::size_t count = std::min(into.size(), kFlood - sent_);
    if (count == 0) return {IoResult::Status::End, 0};
    std::fill_n(into.begin(), count, std::byte{0});
    sent_ += count;
    return {IoResult::Status::Done, count};
  }
  IoResult write(std::span<const std::byte>) override { return {IoResult::Status::WouldBlockWrite, 0}; }
  void shutdownWrite() noexcept override {}
  int fd() const noexcept override { return near_.get(); }
  int rawFd() const noexcept override { return -1; }

 private:
  std::size_t& sent_;
  UniqueFd near_, far_;
};

}  // namespace

TEST_CASE("a server that takes nothing and sends without end fills no memory, and is given up") {
  std::size_t sent = 0;
  const StopRequest never;
  Connection connection(std::make_unique<FloodingTransport>(sent), never, std::chrono::milliseconds(20), "flood");
  connection.output() = "what it does not take";
  CHECK_THROWS_WITH_AS(
      [&] {
        while (connection.unsent() > 0) connection.wait(true);
      }(),
      "flood was silent or too slow for 20 ms", TransportError);
  CHECK(sent <= std::size_t{2} << 20);
}
