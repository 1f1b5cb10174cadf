#pragma once
// The configuration of log-ins: [access], and which form of the protocol is served where.

#include <cstddef>
#include <string>

namespace ft {

// What clients of this machine are without log-in.
enum class LocalAccess {
  Auto,   // Local as long as there have been no accounts since the start
  Open,   // Local
  Login,  // nobody
};

struct LoginConfig {
  std::string users;  // empty: the file `users` in the state folder
  LocalAccess local = LocalAccess::Auto;
  std::size_t hashAtOnce = 1;
  bool plainFormAnywhere = false;  // [server] plain_form
};

}  // namespace ft
