#include "server/limits/source_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace ft {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 16> kLoopback6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr std::size_t kNetwork6 = 8;

}  // namespace

SourceAddress SourceAddress::of(const sockaddr_storage& address) {
  SourceAddress source;
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), source.bytes.begin());
    std::memcpy(source.bytes.data() + kMappedPrefix.size(), &in.sin_addr, sizeof in.sin_addr);
    source.port = ntohs(in.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof in);
    std::memcpy(source.bytes.data(), &in.sin6_addr, sizeof in.sin6_addr);
    source.port = ntohs(in.sin6_port);
  } else if (address.ss_family == AF_UNIX) {
    source.bytes = kLoopback6;
  }
  return source;
}

bool SourceAddress::v4() const { return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin()); }

bool SourceAddress::loopback() const { return v4() ? bytes[12] == 127 : bytes == kLoopback6; }

bool SourceAddress::privateNetwork() const {
  if (loopback()) return true;
  if (!v4()) return (bytes[0] & 0xfe) == 0xfc || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
  const std::uint8_t a = bytes[12];
  const std::uint8_t b = bytes[13];
  return a == 10 || (a == 172 && (b & 0xf0) == 16) || (a == 192 && b == 168) || (a == 169 && b == 254);
}

SourceAddress SourceAddress::limited() const {
  SourceAddress source = *this;
  if (loopback()) return source;
  source.port = 0;
  if (!v4()) std::fill(source.bytes.begin() + kNetwork6, source.bytes.end(), std::uint8_t{0});
  return source;
}

std::string SourceAddress::sourceText() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (v4()) {
    ::inet_ntop(AF_INET, bytes.data() + kMappedPrefix.size(), text.data(), text.size());
    return text.data();
  }
  const SourceAddress network = loopback() ? *this : limited();
  ::inet_ntop(AF_INET6, network.bytes.data(), text.data(), text.size());
  return loopback() ? text.data() : std::string(text.data()) + "/64";
}

}  // namespace ft
