#pragma once
// Where a server is, and which arguments name something there.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/protocol.h"

namespace ft {

struct ServerAddress {
  std::string host = "127.0.0.1";
  std::uint16_t port = kDefaultPort;
  std::string path{};  // of a Unix socket; host and port mean nothing then
  // "host:port", "[v6]:port", "unix:/path".
  std::string text() const;
  // Surely this machine: a Unix socket, or a loopback address by its usual name.
  bool local() const;
  bool operator==(const ServerAddress&) const = default;
};

// HOST, HOST:PORT, [V6], [V6]:PORT, a bare V6 address, or unix:/PATH. Throws UsageError that shows what is wrong.
ServerAddress parseAddress(std::string_view text);

// Does such an address (one that parseAddress() takes) say a port?
bool namesPort(std::string_view text);

// HOST:PATH, HOST:PORT:PATH, [V6]:PATH or [V6]:PORT:PATH: a name on a server.
struct RemoteArgument {
  std::string host;
  std::optional<std::uint16_t> port;
  std::string path;  // may be empty or end in '/'
};

// nullopt when `text` is not of that form: no ':' before its first '/', or no host before it. "./a:b" never is.
std::optional<RemoteArgument> splitRemote(std::string_view text);
// Is the host of that argument surely a host (has a dot, is [V6], is "localhost" or came with a port), so that it is no
// plain file name?
bool looksLikeHost(const RemoteArgument& argument);

}  // namespace ft
