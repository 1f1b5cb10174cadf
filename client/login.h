#pragma once
// Logs each new connection in, in front of its first request and mostly without waiting for the answer. Finds out once
// how, and remembers it.

#include <mutex>
#include <optional>
#include <string>

#include "client/connection.h"
#include "client/key_file.h"
#include "client/login_options.h"
#include "client/ssh_agent.h"

namespace ft {

class Login {
 public:
  explicit Login(LoginOptions options) : options_(std::move(options)) {}
  ~Login();
  Login(const Login&) = delete;
  Login& operator=(const Login&) = delete;

  // For a connection on which nothing was asked yet; does nothing when there is nothing to log in with. A refusal is
  // thrown here or by the connection's next read: LoginError. Throws UsageError for secrets that cannot be had, and for
  // a line on which none may be sent. Any thread.
  void begin(Connection& connection);

 private:
  void takeSecret();
  void findWay(Connection& connection);
  bool tryKey(Connection& connection);
  bool isRefused(Connection& connection, const Header& request);
  Header request(Connection& connection);
  std::string sign(std::string_view message, const StopRequest& stop);

  const LoginOptions options_;
  std::mutex mutex_;
  bool known_ = false;  // one of these is how
  std::string password_, token_;
  std::optional<SecretKey> key_;
  std::optional<PublicKey> agentKey_;
};

}  // namespace ft
