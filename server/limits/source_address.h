#pragma once
// Where a connection or a datagram comes from, as far as rules look at it: which network, and which source.

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>

namespace ft {

struct SourceAddress {
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2)
  std::uint16_t port = 0;

  // A Unix socket is of this machine, as ::1 is. All zero for a family that is none of the three.
  static SourceAddress of(const sockaddr_storage& address);

  bool v4() const;
  // 127.0.0.0/8, ::1
  bool loopback() const;
  // Loopback, and networks that are not routed on the internet: RFC 1918, RFC 4193, link-local.
  bool privateNetwork() const;
  // Whom a limit counts: the address, of IPv6 the /64; on loopback, where all programs share one address, the port too.
  SourceAddress limited() const;

  // The IPv4 address, or of IPv6 the network as "2001:db8::/64"; "::1" for itself.
  std::string sourceText() const;

  bool operator==(const SourceAddress&) const = default;
};

}  // namespace ft
