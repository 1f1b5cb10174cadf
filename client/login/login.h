#pragma once
// Logs each new connection in, in front of its first request and mostly without waiting for the answer. Finds out once
// how, and remembers it.

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/connection/connection.h"
#include "client/login/key_file.h"
#include "client/login/ssh_agent.h"

namespace ft {

// How the user wants to log in; nothing of it is read yet.
struct LoginOptions {
  std::optional<std::string> user;
  std::optional<std::string> passwordFile;
  std::optional<int> passwordFd;
  std::optional<std::string> tokenFile;
  std::optional<std::string> identity;  // file of a secret key, or of the public one of a key that the agent holds
  // Places where a key may be without being named.
  std::vector<std::string> usualKeys;
  std::string agent;  // socket of ssh-agent; empty: none
  std::string token;  // from FTPC_TOKEN

  // The server may know the user without a log-in: by a certificate, or by who it is on a Unix socket.
  bool mayBeKnown = false;

  // Is there anything to log in with?
  bool wanted() const { return user || tokenFile || !token.empty(); }
};

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
  void takeSecret(const StopRequest& stop);
  void findWay(Connection& connection);
  bool isKnownAlready(Connection& connection);
  bool tryKeys(Connection& connection);
  bool tryAgent(Connection& connection);
  std::string refusedKeys() const;
  bool isRefused(Connection& connection, const Header& request);
  Header request(Connection& connection);
  std::string sign(std::string_view message, const StopRequest& stop);

  const LoginOptions options_;
  std::mutex mutex_;
  // The way has been found: it is the one of these that is set.
  bool known_ = false;
  std::string password_, token_;
  std::optional<SecretKey> key_;
  std::optional<PublicKey> agentKey_;
  std::vector<PublicKey> refused_;  // keys
  std::size_t untried_ = 0;         // keys that the agent holds besides
  std::string whyUnknown_;          // what the server said to the user's name alone
};

}  // namespace ft
