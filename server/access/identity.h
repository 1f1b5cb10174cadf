#pragma once
// Who is at the other end of a connection, as far as the daemon believes it. What that identity may do is the gate's to
// decide.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

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

}  // namespace ft
