#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>

#include <chrono>
#include <cstring>
#include <string>

#include "server/limits/source_address.h"
#include "server/limits/source_limiter.h"

using namespace ft;

namespace {

using std::chrono::milliseconds;

SourceAddress source(const std::string& host, std::uint16_t port = 1000) {
  sockaddr_storage storage{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&storage, &v4, sizeof v4);
  } else {
    REQUIRE(::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&storage, &v6, sizeof v6);
  }
  return SourceAddress::of(storage);
}

}  // namespace

TEST_CASE("loopback, private and public addresses are told apart, mapped ones by their IPv4 address") {
  for (const char* host : {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"}) {
    CAPTURE(host);
    CHECK(source(host).loopback());
    CHECK(source(host).privateNetwork());
  }
  for (const char* host : {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1", "fc00::1",
                           "fdff::1", "fe80::1", "::ffff:10.1.1.1"}) {
    CAPTURE(host);
    CHECK_FALSE(source(host).loopback());
    CHECK(source(host).privateNetwork());
  }
  for (const char* host : {"8.8.8.8", "172.15.0.1", "172.32.0.1", "192.169.0.1", "169.253.0.1", "128.0.0.1",
                           "2001:db8::1", "::", "fe00::1", "::2"}) {
    CAPTURE(host);
    CHECK_FALSE(source(host).privateNetwork());
  }
  CHECK_FALSE(SourceAddress::of(sockaddr_storage{}).privateNetwork());
}

TEST_CASE("a source is an address, of IPv6 a /64, and on loopback an address and a port") {
  CHECK(source("10.0.0.1", 1).limited() == source("10.0.0.1", 2).limited());
  CHECK_FALSE(source("10.0.0.1").limited() == source("10.0.0.2").limited());
  CHECK(source("2001:db8::1", 1).limited() == source("2001:db8::ffff:1", 2).limited());
  CHECK_FALSE(source("2001:db8:0:1::1").limited() == source("2001:db8:0:2::1").limited());
  CHECK_FALSE(source("127.0.0.1", 1).limited() == source("127.0.0.1", 2).limited());
}

TEST_CASE("a source has its rate and a burst of one second, and others have theirs") {
  SourceLimiter limiter(10, 1000, 42);
  SourceLimiter::TimePoint now{};
  now += std::chrono::hours(1);
  const auto takenOf = [&](const SourceAddress& from, int tries) {
    int taken = 0;
    for (int i = 0; i < tries; ++i) taken += limiter.take(from, now) ? 1 : 0;
    return taken;
  };
  CHECK(takenOf(source("10.0.0.1"), 100) == 10);
  CHECK(takenOf(source("10.0.0.2"), 100) == 10);
  CHECK(takenOf(source("127.0.0.1"), 2000) == 1000);
  now += milliseconds(500);
  CHECK(takenOf(source("10.0.0.1"), 100) == 5);
  now += std::chrono::hours(1);
  CHECK(takenOf(source("10.0.0.1"), 100) == 10);
}

TEST_CASE("a flood from very many sources takes nobody's turn away for longer than a moment") {
  SourceLimiter limiter(5, 5, 7);
  SourceLimiter::TimePoint now{};
  now += std::chrono::hours(1);
  int honest = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const std::string forged =
        std::to_string(11 + i / 65536) + "." + std::to_string(i / 256 % 256) + "." + std::to_string(i % 256) + ".9";
    limiter.take(source(forged), now);
    now += std::chrono::microseconds(10);
    if (i % 20'000 == 0) honest += limiter.take(source("10.0.0.1"), now) ? 1 : 0;
  }
  CHECK(honest == 5);
}
