#include "common/network_interfaces.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

namespace ft {
namespace {

struct FreeInterfaces {
  void operator()(ifaddrs* list) const { ::freeifaddrs(list); }
};

template <typename T>
T as(const sockaddr* address) {
  T value{};
  std::memcpy(&value, address, sizeof value);
  return value;
}

template <typename T>
T as(const sockaddr_storage& address) {
  T value{};
  std::memcpy(&value, &address, sizeof value);
  return value;
}

bool inNetwork(const in6_addr& address, const NetworkInterface::V6& network) {
  for (std::size_t i = 0; i < sizeof address.s6_addr; ++i) {
    if (((address.s6_addr[i] ^ network.address.s6_addr[i]) & network.mask.s6_addr[i]) != 0) return false;
  }
  return true;
}

void addAddress(NetworkInterface& interface, const ifaddrs& entry) {
  if (entry.ifa_netmask == nullptr) return;
  if (entry.ifa_addr->sa_family == AF_INET) {
    interface.v4.push_back({as<sockaddr_in>(entry.ifa_addr).sin_addr, as<sockaddr_in>(entry.ifa_netmask).sin_addr});
  } else {
    interface.v6.push_back({as<sockaddr_in6>(entry.ifa_addr).sin6_addr, as<sockaddr_in6>(entry.ifa_netmask).sin6_addr});
  }
}

}  // namespace

bool NetworkInterface::reaches(const sockaddr_storage& source) const {
  if (source.ss_family == AF_INET) {
    const in_addr address = as<sockaddr_in>(source).sin_addr;
    return std::any_of(v4.begin(), v4.end(), [&](const V4& network) {
      return ((address.s_addr ^ network.address.s_addr) & network.mask.s_addr) == 0;
    });
  }
  if (source.ss_family != AF_INET6) return false;
  const in6_addr address = as<sockaddr_in6>(source).sin6_addr;
  return IN6_IS_ADDR_LINKLOCAL(&address) ||
         std::any_of(v6.begin(), v6.end(), [&](const V6& network) { return inNetwork(address, network); });
}

bool NetworkInterface::has(const std::string& address) const {
  in_addr four{};
  if (::inet_pton(AF_INET, address.c_str(), &four) == 1) {
    return std::any_of(v4.begin(), v4.end(), [&](const V4& own) { return own.address.s_addr == four.s_addr; });
  }
  in6_addr six{};
  if (::inet_pton(AF_INET6, address.c_str(), &six) != 1) return false;
  return std::any_of(v6.begin(), v6.end(),
                     [&](const V6& own) { return std::memcmp(&own.address, &six, sizeof six) == 0; });
}

std::vector<NetworkInterface> networkInterfaces() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, FreeInterfaces> owner(first);
  // The entry of the device itself has its number; asking for that by name would need more calls than a sandbox leaves.
  std::map<std::string, NetworkInterface> found;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    std::string name = entry->ifa_name;
    name.resize(std::min(name.find(':'), name.size()));  // "eth0:1" is a second address of eth0
    NetworkInterface& interface = found[name];
    interface.name = name;
    interface.loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
    interface.multicast = (entry->ifa_flags & IFF_MULTICAST) != 0;
    const int family = entry->ifa_addr->sa_family;
    if (family == AF_PACKET) interface.index = static_cast<unsigned>(as<sockaddr_ll>(entry->ifa_addr).sll_ifindex);
    if (family == AF_INET || family == AF_INET6) addAddress(interface, *entry);
  }
  std::vector<NetworkInterface> interfaces;
  for (auto& [name, interface] : found) {
    const bool addressed = !interface.v4.empty() || !interface.v6.empty();
    if (interface.index != 0 && addressed) interfaces.push_back(std::move(interface));
  }
  std::sort(interfaces.begin(), interfaces.end(),
            [](const NetworkInterface& a, const NetworkInterface& b) { return a.index < b.index; });
  return interfaces;
}

}  // namespace ft
