#include "server/network/peer.h"

#include <sys/socket.h>

#include <algorithm>

#include "common/error.h"
#include "server/limits/source_address.h"

namespace ft {
namespace {

using Poco::Net::SocketAddress;

PeerInfo unixPeer(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  PeerInfo peer;
  peer.unixSocket = true;
  sockaddr_storage raw{};
  raw.ss_family = AF_UNIX;
  peer.address = SourceAddress::of(raw);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) peer.uid = credentials.uid;
  return peer;
}

}  // namespace

std::string formatAddress(const SocketAddress& address) {
  const bool v6 = address.family() == SocketAddress::IPv6;
  const std::string host = address.host().toString();
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(address.port());
}

std::string reasonOf(const Poco::Exception& error) {
  return error.code() != 0 ? errorText(error.code()) : error.displayText();
}

PeerInfo peerOf(const Poco::Net::StreamSocket& socket) {
  const SocketAddress address = socket.peerAddress();
  if (address.family() == SocketAddress::UNIX_LOCAL) return unixPeer(socket.impl()->sockfd());
  sockaddr_storage raw{};
  std::copy_n(reinterpret_cast<const char*>(address.addr()), std::min<std::size_t>(address.length(), sizeof raw),
              reinterpret_cast<char*>(&raw));
  PeerInfo peer;
  peer.address = SourceAddress::of(raw);
  if (address.family() == SocketAddress::IPv6) peer.scope = address.host().scope();
  return peer;
}

}  // namespace ft
