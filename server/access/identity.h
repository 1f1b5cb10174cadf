#pragma once
// Who is at the other end of a connection, as far as the daemon believes it. What that identity may do is the gate's to
// decide.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/network/source_address.h"

namespace ft {

// What a token is limited to, on top of what its user may do: verbs of the gate below folders.
struct TokenScope {
  std::vector<std::string> verbs;     // "get", "put", …; empty: all that the user may do
  std::vector<std::string> prefixes;  // names as the user sees them (FileName::text); empty: all
  bool operator==(const TokenScope&) const = default;
};

struct Identity {
  enum class Kind {
    Nobody,     // has to log in first
    Local,      // this machine's own user, or everyone where the configuration says insecure_no_auth: may do all
    Anonymous,  // without log-in, where the configuration has written down what that may do
    User,
  };
  Kind kind = Kind::Nobody;
  std::string user;    // [a-z0-9_-]{1,32}; set for User, "anonymous" for Anonymous
  std::string method;  // how it is known, for logs: "loopback", "password", "token NAME", "key", "certificate", "uid"
  std::shared_ptr<const TokenScope> scope;  // null: not limited
  std::string proof{};  // what has let it in, as the users file has it: the hash of the password or token, the key
  // When what has let it in ends.
  std::chrono::sys_seconds until = std::chrono::sys_seconds::max();
  // Of Nobody: why that which it has shown lets nobody in (any more), in words. Empty: it has shown nothing.
  std::string reason{};
};

// What is known of a connection's other end before it has said anything. The line's own security is the transport's
// (transport.h).
// Every connection has one as long as it lasts, so the texts are made when they are asked for.
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
