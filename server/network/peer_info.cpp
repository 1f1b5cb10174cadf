#include "server/network/peer_info.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <array>

namespace ft {

std::string PeerInfo::name() const {
  if (unixSocket) return uid ? "unix:" + std::to_string(*uid) : "unix:unknown";
  const std::string port = ":" + std::to_string(address.port);
  if (address.v4()) return address.sourceText() + port;
  std::array<char, INET6_ADDRSTRLEN> host{};
  ::inet_ntop(AF_INET6, address.bytes.data(), host.data(), host.size());
  std::array<char, IF_NAMESIZE> zone{};
  const bool scoped = scope != 0 && ::if_indextoname(scope, zone.data()) != nullptr;
  return "[" + std::string(host.data()) + (scoped ? "%" + std::string(zone.data()) : "") + "]" + port;
}

std::string PeerInfo::source() const { return unixSocket ? name() : address.sourceText(); }

}  // namespace ft
