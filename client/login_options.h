#pragma once
// How the user logs in, as options, environment and configuration say it; nothing of it is read yet.

#include <optional>
#include <string>
#include <vector>

#include "client/client_config.h"

namespace CLI {
class App;
}

namespace ft {

struct LoginOptions {
  std::optional<std::string> user;
  std::optional<std::string> passwordFile;
  std::optional<int> passwordFd;
  std::optional<std::string> tokenFile;
  std::optional<std::string> identity;  // file of a secret key
  // Places where a key may be without being named.
  std::vector<std::string> usualKeys;
  std::string agent;  // socket of ssh-agent; empty: none
  std::string token;  // from FTPC_TOKEN

  // Is there anything to log in with?
  bool wanted() const { return user || tokenFile || !token.empty(); }
};

void addLoginOptions(CLI::App& app, LoginOptions& options);
// What the command line has left open. Throws UsageError for what contradicts itself.
void completeLogin(const ClientConfig& config, const Environment& environment, LoginOptions& options);

}  // namespace ft
