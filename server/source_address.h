#pragma once
// Where a connection or a datagram comes from, as far as rules look at it: which network, and which source.

#include <sys/socket.h>

#include <array>
#include <cstdint>

namespace ft {

struct SourceAddress {
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2)
  std::uint16_t port = 0;

  // All zero for a family that is neither IPv4 nor IPv6.
  static SourceAddress of(const sockaddr_storage& address);

  bool v4() const;
  // 127.0.0.0/8, ::1
  bool loopback() const;
  // Loopback, and networks that are not routed on the internet: RFC 1918, RFC 4193, link-local.
  bool privateNetwork() const;
  // Whom a limit counts: the address, of IPv6 the /64; on loopback, where all programs share one address, the port too.
  SourceAddress limited() const;

  bool operator==(const SourceAddress&) const = default;
};

}  // namespace ft
