#include "client/connection/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>

#include "client/failures.h"
#include "common/escape.h"

namespace ft {
namespace {

constexpr std::size_t kMaxHostSize = 253;  // RFC 1035, 2.3.4
constexpr std::string_view kUnixPrefix = "unix:";

std::optional<std::uint16_t> parsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool isHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool isHost(std::string_view text) {
  return !text.empty() && text.size() <= kMaxHostSize && std::all_of(text.begin(), text.end(), isHostCharacter);
}

// With or without a zone: "::1", "fe80::1%eth0".
bool isV6(std::string_view text) {
  const std::size_t percent = text.find('%');
  const std::string_view zone = percent == std::string_view::npos ? "0" : text.substr(percent + 1);
  in6_addr address{};
  return isHost(zone) && ::inet_pton(AF_INET6, std::string(text.substr(0, percent)).c_str(), &address) == 1;
}

[[noreturn]] void badAddress(std::string_view text, const std::string& reason) {
  throw UsageError("server '" + escapeText(text, 100) + "' " + reason +
                   "; write HOST, HOST:PORT, [V6]:PORT or unix:/PATH");
}

struct HostAndRest {
  std::string_view host;
  std::string_view rest;  // from behind the host on: "", ":7021", ":path"
};

// "[v6]rest" or "hostrest", where the rest begins at the first colon.
std::optional<HostAndRest> splitHost(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !isV6(text.substr(1, close - 1))) return std::nullopt;
    return HostAndRest{text.substr(1, close - 1), text.substr(close + 1)};
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  if (!isHost(text.substr(0, colon))) return std::nullopt;
  return HostAndRest{text.substr(0, colon), text.substr(colon)};
}

}  // namespace

std::string ServerAddress::text() const {
  if (!path.empty()) return std::string(kUnixPrefix) + path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool ServerAddress::local() const {
  in_addr v4{};
  const bool v4Loopback = ::inet_pton(AF_INET, host.c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
  return !path.empty() || host == "localhost" || host == "::1" || v4Loopback;
}

ServerAddress parseAddress(std::string_view text) {
  ServerAddress address;
  if (text.starts_with(kUnixPrefix)) {
    address.path = text.substr(kUnixPrefix.size());
    const bool good = address.path.starts_with('/') && address.path.size() < sizeof(sockaddr_un::sun_path);
    if (!good) badAddress(text, "is no whole path of a Unix socket, of at most 107 bytes");
    return address;
  }
  if (isV6(text)) {
    address.host = text;
    return address;
  }
  const auto split = splitHost(text);
  if (!split) badAddress(text, text.empty() ? "is empty" : "is not an address");
  address.host = split->host;
  if (split->rest.empty()) return address;
  const auto port = split->rest.front() == ':' ? parsePort(split->rest.substr(1)) : std::nullopt;
  if (!port) badAddress(text, "has no port between 1 and 65535 behind its colon");
  address.port = *port;
  return address;
}

bool namesPort(std::string_view text) {
  const auto split = isV6(text) || text.starts_with(kUnixPrefix) ? std::nullopt : splitHost(text);
  return split && !split->rest.empty();
}

std::optional<RemoteArgument> splitRemote(std::string_view text) {
  const auto split = splitHost(text);
  if (!split || !split->rest.starts_with(':')) return std::nullopt;
  RemoteArgument argument;
  argument.host = split->host;
  std::string_view rest = split->rest.substr(1);
  const std::size_t colon = rest.find(':');
  if (colon != std::string_view::npos) {
    argument.port = parsePort(rest.substr(0, colon));
    if (argument.port) rest.remove_prefix(colon + 1);
  }
  argument.path = rest;
  return argument;
}

bool looksLikeHost(const RemoteArgument& argument) {
  return argument.port.has_value() || argument.host == "localhost" ||
         argument.host.find_first_of(".:") != std::string::npos;
}

}  // namespace ft
