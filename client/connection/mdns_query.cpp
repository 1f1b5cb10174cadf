#include "client/connection/mdns_query.h"

#include <arpa/inet.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

namespace ft {
namespace {

constexpr const char* kGroup4 = "224.0.0.251";
constexpr const char* kGroup6 = "ff02::fb";
constexpr int kHops = 255;
// A machine full of containers has hundreds of interfaces.
constexpr std::size_t kMostWays = 64;
// Answers of one interface that are read before the others and the clock have their turn.
constexpr int kBatch = 64;

bool aim4(int fd, const NetworkInterface& interface) {
  if (interface.v4.empty()) return false;
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(interface.index);
  request.imr_address = interface.v4.front().address;
  return ::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) == 0 &&
         ::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &kHops, sizeof kHops) == 0;
}

bool aim6(int fd, const NetworkInterface& interface) {
  if (interface.v6.empty()) return false;
  const int index = static_cast<int>(interface.index);
  return ::setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) == 0 &&
         ::setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &kHops, sizeof kHops) == 0;
}

void sendToGroup(int fd, int family, std::span<const std::byte> bytes) {
  sockaddr_storage group{};
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(kMdnsPort);
    ::inet_pton(AF_INET, kGroup4, &in.sin_addr);
    std::memcpy(&group, &in, sizeof in);
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(kMdnsPort);
    ::inet_pton(AF_INET6, kGroup6, &in.sin6_addr);
    std::memcpy(&group, &in, sizeof in);
  }
  const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  ::sendto(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&group), size);
}

std::uint16_t portOf(const sockaddr_storage& address) {
  sockaddr_in in{};  // the port stands at the same place in both
  std::memcpy(&in, &address, sizeof in);
  return ntohs(in.sin_port);
}

}  // namespace

MdnsQuery::MdnsQuery(const StopRequest& stop)
    : stop_(stop), id_(static_cast<std::uint16_t>(std::random_device()())), buffer_(kMaxDnsMessage + 1) {
  for (const NetworkInterface& interface : networkInterfaces()) {
    if (!interface.multicast && !interface.loopback) continue;
    open(interface, AF_INET);
    open(interface, AF_INET6);
  }
}

void MdnsQuery::open(const NetworkInterface& interface, int family) {
  if (ways_.size() >= kMostWays) return;
  UniqueFd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return;
  const bool aimed = family == AF_INET ? aim4(socket.get(), interface) : aim6(socket.get(), interface);
  if (aimed) ways_.push_back({interface, family, std::move(socket)});
}

void MdnsQuery::ask(const std::vector<DnsQuestion>& questions) {
  DnsMessage message;
  message.id = id_;
  message.questions = questions;
  const auto bytes = writeDnsMessage(message);
  if (!bytes) return;
  for (const Way& way : ways_) sendToGroup(way.socket.get(), way.family, *bytes);
}

bool MdnsQuery::collect(Clock::time_point end, const Take& take) {
  std::vector<pollfd> entries;
  for (const Way& way : ways_) entries.push_back({way.socket.get(), POLLIN, 0});
  entries.push_back({stop_.fd(), POLLIN, 0});
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    ::poll(entries.data(), entries.size(), static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (entries.back().revents != 0) stop_.check();
    for (std::size_t i = 0; i < ways_.size(); ++i) {
      if (entries[i].revents != 0 && readFrom(ways_[i], take)) return true;
    }
  }
}

bool MdnsQuery::readFrom(const Way& way, const Take& take) {
  for (int i = 0; i < kBatch; ++i) {
    sockaddr_storage source{};
    socklen_t size = sizeof source;
    const ssize_t got = ::recvfrom(way.socket.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&source), &size);
    if (got < 0) return false;
    if (portOf(source) != kMdnsPort || !way.interface.reaches(source)) continue;
    const auto answer = parseDnsMessage(std::span(buffer_).first(static_cast<std::size_t>(got)));
    if (answer && answer->response && answer->id == id_ && take(*answer, way.interface.index)) return true;
  }
  return false;
}

}  // namespace ft
