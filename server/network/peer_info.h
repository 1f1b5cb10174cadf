#pragma once
// Where a connection comes from.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "server/limits/source_address.h"

namespace ft {

// What is known of a connection's other end before it has said anything. The line's own security is the transport's
// (transport.h). Every connection has one as long as it lasts, so the texts are made when they are asked for.
struct PeerInfo {
  SourceAddress address;
  bool unixSocket = false;
  std::uint32_t scope = 0;     // the interface of a link-local address; 0: none
  std::optional<uid_t> uid{};  // Unix sockets: the peer's user (SO_PEERCRED)

  // "127.0.0.1:40123", "[fe80::1%eth0]:40123", "unix:1000", for logs.
  std::string name() const;
  // What is counted, limited and punished: an IPv4 address, the /64 of an IPv6 address ("2001:db8::/64"), or
  // "unix:1000".
  std::string source() const;
  // Of this machine: loopback address or Unix socket.
  bool loopback() const { return unixSocket || address.loopback(); }
};

}  // namespace ft
