// Connections that have made no request yet, rates of bytes, and how a session keeps to both.

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <new>
#include <vector>

#include "server/limits/connection_limits.h"
#include "server/limits/rate_limit.h"
#include "tests/support/scarce_memory.h"
#include "tests/support/session_peer.h"

using namespace ft;
using ft::testing::MemoryStorage;
using ft::testing::ScarceMemory;
using std::chrono::milliseconds;

namespace {

double secondsUntil(RateBucket::TimePoint until, RateBucket::TimePoint now) {
  return std::chrono::duration<double>(until - now).count();
}

}  // namespace

TEST_CASE("new connections are dropped more and more as those before them make no request") {
  const StartupLimit limit{10, 30, 100};
  CHECK_FALSE(limit.drops(9, 0));
  CHECK(limit.drops(10, 29));
  CHECK_FALSE(limit.drops(10, 30));
  CHECK(limit.drops(55, 64));
  CHECK_FALSE(limit.drops(55, 65));
  CHECK(limit.drops(100, 99));
  CHECK(StartupLimit{5, 0, 5}.drops(5, 99));
}

TEST_CASE(
    "a connection that has made a request is not counted among the new ones, and each gives its place back once") {
  ConnectionLimits limits(100, 100, StartupLimit{2, 100, 2}, [] { return 0U; });
  std::string reason;
  auto first = limits.admit("192.0.2.1", reason);
  auto second = limits.admit("192.0.2.2", reason);
  CHECK_FALSE(limits.admit("192.0.2.3", reason));
  CHECK(reason.find("limits.startups") != std::string::npos);
  CHECK(limits.admit("", reason));
  first->settle();
  first->settle();
  auto third = limits.admit("192.0.2.3", reason);
  CHECK(third);
  CHECK_FALSE(limits.admit("192.0.2.4", reason));
  first.reset();
  CHECK_FALSE(limits.admit("192.0.2.4", reason));
  second.reset();
  CHECK(limits.admit("192.0.2.4", reason));
}

TEST_CASE("a connection that was not admitted for want of memory takes nobody's place") {
  ConnectionLimits limits(1, 1);
  std::string reason;
  {
    const ScarceMemory scarce(sizeof(ConnectionLimits::Place));
    CHECK_THROWS_AS(limits.admit("192.0.2.1", reason), std::bad_alloc);
  }
  CHECK(limits.count() == 0);
  CHECK(limits.admit("192.0.2.1", reason));
}

TEST_CASE("a bucket lets bytes through at its rate, with a short burst, and never saves more than that") {
  RateBucket bucket(1'000'000);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(bucket.take(500'000, begin) <= begin);
  CHECK(secondsUntil(bucket.take(1'000'000, begin), begin) == doctest::Approx(1.0));
  CHECK(secondsUntil(bucket.take(1'000'000, begin), begin) == doctest::Approx(2.0));
  const auto later = begin + std::chrono::hours(1);
  CHECK(bucket.take(500'000, later) <= later);
  CHECK(bucket.take(1, later) > later);
}

TEST_CASE("a rate can be changed and taken away while it is used") {
  RateBucket bucket(1'000'000);
  const auto begin = std::chrono::steady_clock::now();
  bucket.take(10'000'000, begin);
  bucket.setRate(2'000'000);
  CHECK(secondsUntil(bucket.take(2'000'000, begin), begin) == doctest::Approx(1.0));
  bucket.setRate(0);
  CHECK(bucket.take(1'000'000'000, begin) <= begin);
}

TEST_CASE("the connections of one address share a bucket, and new rates reach all") {
  RateLimits limits(0, 1'000'000);
  const auto one = limits.ofAddress("192.0.2.1");
  CHECK(limits.ofAddress("192.0.2.1") == one);
  CHECK(limits.ofAddress("192.0.2.2") != one);
  limits.setRates(0, 0);
  const auto now = std::chrono::steady_clock::now();
  CHECK(one->take(1'000'000'000, now) <= now);
}

TEST_CASE("what an address moves counts against the rate of all, too") {
  RateLimits limits(1'000'000, 0);
  const auto now = std::chrono::steady_clock::now();
  const auto one = limits.ofAddress("192.0.2.1");
  const auto other = limits.ofAddress("192.0.2.2");
  CHECK(secondsUntil(one->take(1'500'000, now), now) == doctest::Approx(1.0));
  CHECK(secondsUntil(other->take(1'000'000, now), now) == doctest::Approx(2.0));
}

TEST_CASE("a session over its rate waits for the time alone, goes on by itself, and is not cut as too slow") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.session().limitBy(std::make_shared<RateBucket>(100'000));
  const std::string body(150'000, 'x');
  peer.sendFrame(R"({"v":1,"cmd":"put","filename":"a","filesize":300000})", body);
  CHECK(peer.wait() == Session::Wait::Time);
  CHECK(peer.session().deadline() > TestClock::now());
  peer.passTime(milliseconds(500));
  CHECK(peer.wait() == Session::Wait::Time);
  peer.passTime(std::chrono::seconds(60));
  CHECK(peer.wait() == Session::Wait::Read);
  peer.send(body);
  if (peer.wait() == Session::Wait::Time) peer.passTime(std::chrono::seconds(60));
  CHECK(peer.reply().ok == true);
}

TEST_CASE("a connection that makes no request is ended at its absolute deadline, whatever it sends meanwhile") {
  MemoryStorage storage;
  SessionPeer peer(storage, {.limits = {.headerTimeout = std::chrono::hours(1), .loginTimeout = milliseconds(1000)}});
  peer.session().limitStartup();
  for (int i = 0; i < 9; ++i) {
    peer.passTime(milliseconds(100));
    peer.send("\x40");
    if (i == 0) peer.send(std::string("\0\0\0", 3));
    REQUIRE_FALSE(peer.closed());
  }
  peer.passTime(milliseconds(100));
  CHECK(peer.closed());
  CHECK(peer.reply().error == "timeout");
}

TEST_CASE(
    "a handshake that does not end is cut at the same deadline, also from this machine, and one that has ended is "
    "not") {
  struct Handshake : Transport {
    Handshake(std::unique_ptr<Transport> inner, bool done) : line(std::move(inner)), ended(done) {}
    IoResult read(std::span<std::byte> into) override { return line->read(into); }
    IoResult write(std::span<const std::byte> bytes) override { return line->write(bytes); }
    void shutdownWrite() noexcept override { line->shutdownWrite(); }
    int fd() const noexcept override { return line->fd(); }
    int rawFd() const noexcept override { return -1; }
    bool established() const noexcept override { return ended; }
    std::unique_ptr<Transport> line;
    bool ended;
  };
  for (const bool ended : {false, true}) {
    CAPTURE(ended);
    MemoryStorage storage;
    SessionPeer peer(storage,
                     {.limits = {.loginTimeout = milliseconds(1000)}, .wrap = [&](std::unique_ptr<Transport> line) {
                        return std::make_unique<Handshake>(std::move(line), ended);
                      }});
    peer.run();
    CHECK_FALSE(peer.closed());
    peer.passTime(milliseconds(1001));
    CHECK(peer.closed() == !ended);
  }
}

TEST_CASE("a request that is let in ends the time that a connection has for its first one") {
  MemoryStorage storage;
  SessionPeer peer(storage, {.limits = {.loginTimeout = milliseconds(1000)}});
  peer.session().limitStartup();
  peer.sendFrame(R"({"v":1,"cmd":"ping"})");
  CHECK(peer.session().settled());
  peer.passTime(milliseconds(2000));
  CHECK_FALSE(peer.closed());
}
