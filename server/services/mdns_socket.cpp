#include "server/services/mdns_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/dns_message.h"
#include "common/error.h"

namespace ft {
namespace {

constexpr const char* kGroup4 = "224.0.0.251";
constexpr const char* kGroup6 = "ff02::fb";
// RFC 6762 11: an asker may check that an answer has crossed no router.
constexpr int kHops = 255;

void set(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

struct Endpoint {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

template <typename T>
Endpoint endpoint(const T& address) {
  Endpoint made;
  std::memcpy(&made.storage, &address, sizeof address);
  made.size = sizeof address;
  return made;
}

Endpoint groupOn(int family, unsigned interface) {
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(kMdnsPort);
    ::inet_pton(AF_INET, kGroup4, &in.sin_addr);
    return endpoint(in);
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(kMdnsPort);
  in.sin6_scope_id = interface;
  ::inet_pton(AF_INET6, kGroup6, &in.sin6_addr);
  return endpoint(in);
}

Endpoint anyAddress(int family) {
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(kMdnsPort);
    return endpoint(in);
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(kMdnsPort);
  return endpoint(in);
}

// A message with room for one control message with data of type T.
template <typename T>
class Envelope {
 public:
  Envelope(std::span<std::byte> bytes, sockaddr_storage& peer, socklen_t size) : part_{bytes.data(), bytes.size()} {
    message_.msg_name = &peer;
    message_.msg_namelen = size;
    message_.msg_iov = &part_;
    message_.msg_iovlen = 1;
    message_.msg_control = room_.data();
    message_.msg_controllen = room_.size();
  }
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;

  void control(int level, int type, const T& value) {
    cmsghdr* const head = CMSG_FIRSTHDR(&message_);
    head->cmsg_level = level;
    head->cmsg_type = type;
    head->cmsg_len = CMSG_LEN(sizeof(T));
    std::memcpy(CMSG_DATA(head), &value, sizeof value);
  }
  std::optional<T> control(int level, int type) {
    const cmsghdr* const head = CMSG_FIRSTHDR(&message_);
    if (head == nullptr || head->cmsg_level != level || head->cmsg_type != type) return std::nullopt;
    T value{};
    std::memcpy(&value, CMSG_DATA(head), sizeof value);
    return value;
  }
  msghdr& message() { return message_; }

 private:
  iovec part_;
  msghdr message_{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(T))> room_{};
};

// sendmsg() does not write through it.
std::span<std::byte> writable(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

void send(int fd, std::span<const std::byte> bytes, Endpoint to, const in_pktinfo& by) {
  Envelope<in_pktinfo> envelope(writable(bytes), to.storage, to.size);
  envelope.control(IPPROTO_IP, IP_PKTINFO, by);
  ::sendmsg(fd, &envelope.message(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void send(int fd, std::span<const std::byte> bytes, Endpoint to, const in6_pktinfo& by) {
  Envelope<in6_pktinfo> envelope(writable(bytes), to.storage, to.size);
  envelope.control(IPPROTO_IPV6, IPV6_PKTINFO, by);
  ::sendmsg(fd, &envelope.message(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

MdnsSocket::MdnsSocket(int family)
    : family_(family), fd_(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (!fd_) return;
  setOptions();
  const Endpoint address = anyAddress(family);
  if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) return;
  if (family == AF_INET6) {  // a machine without IPv6 has the family, and no address of it
    fd_.reset();
    return;
  }
  throw ConfigError("discovery.enabled: UDP port 5353 is not available: " + errorText(errno));
}

void MdnsSocket::setOptions() {
  const int fd = fd_.get();
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (family_ == AF_INET) {
    set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    set(fd, IPPROTO_IP, IP_MULTICAST_TTL, kHops);
    set(fd, IPPROTO_IP, IP_TTL, kHops);
    set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
    return;
  }
  set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
  set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, kHops);
  set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, kHops);
  set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
}

bool MdnsSocket::join(const NetworkInterface& interface) {
  if (!fd_ || (family_ == AF_INET ? interface.v4.empty() : interface.v6.empty())) return false;
  if (joined(interface.index)) return true;
  int result = 0;
  if (family_ == AF_INET) {
    ip_mreqn request{};
    request.imr_ifindex = static_cast<int>(interface.index);
    ::inet_pton(AF_INET, kGroup4, &request.imr_multiaddr);
    result = ::setsockopt(fd_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
  } else {
    ipv6_mreq request{};
    request.ipv6mr_interface = interface.index;
    ::inet_pton(AF_INET6, kGroup6, &request.ipv6mr_multiaddr);
    result = ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request);
  }
  if (result != 0 && errno != EADDRINUSE) return false;
  joined_.insert(interface.index);
  return true;
}

void MdnsSocket::keepOnly(const std::set<unsigned>& interfaces) {
  std::erase_if(joined_, [&](unsigned index) { return !interfaces.contains(index); });
}

std::optional<MdnsSocket::Arrival> MdnsSocket::receive(std::span<std::byte> buffer) {
  if (!fd_) return std::nullopt;
  Arrival arrival;
  ssize_t size = 0;
  if (family_ == AF_INET) {
    Envelope<in_pktinfo> envelope(buffer, arrival.source, sizeof arrival.source);
    size = ::recvmsg(fd_.get(), &envelope.message(), MSG_DONTWAIT);
    const auto by = envelope.control(IPPROTO_IP, IP_PKTINFO);
    if (by) arrival.interface = static_cast<unsigned>(by->ipi_ifindex);
  } else {
    Envelope<in6_pktinfo> envelope(buffer, arrival.source, sizeof arrival.source);
    size = ::recvmsg(fd_.get(), &envelope.message(), MSG_DONTWAIT);
    const auto by = envelope.control(IPPROTO_IPV6, IPV6_PKTINFO);
    if (by) arrival.interface = static_cast<unsigned>(by->ipi6_ifindex);
  }
  if (size < 0) return std::nullopt;
  arrival.size = static_cast<std::size_t>(size);
  return arrival;
}

void MdnsSocket::multicast(std::span<const std::byte> bytes, const NetworkInterface& interface) {
  const Endpoint group = groupOn(family_, interface.index);
  // The source is named, since the system would give loopback that of another interface.
  if (family_ == AF_INET && !interface.v4.empty()) {
    in_pktinfo by{};
    by.ipi_ifindex = static_cast<int>(interface.index);
    by.ipi_spec_dst = interface.v4.front().address;
    send(fd_.get(), bytes, group, by);
  } else if (family_ == AF_INET6 && !interface.v6.empty()) {
    in6_pktinfo by{};
    by.ipi6_ifindex = interface.index;
    send(fd_.get(), bytes, group, by);
  }
}

void MdnsSocket::reply(std::span<const std::byte> bytes, const Arrival& to) {
  Endpoint asker;
  asker.storage = to.source;
  asker.size = family_ == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  if (family_ == AF_INET) {
    in_pktinfo by{};
    by.ipi_ifindex = static_cast<int>(to.interface);
    send(fd_.get(), bytes, asker, by);
  } else {
    in6_pktinfo by{};
    by.ipi6_ifindex = to.interface;
    send(fd_.get(), bytes, asker, by);
  }
}

}  // namespace ft
