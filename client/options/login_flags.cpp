#include "client/options/login_flags.h"

#include <CLI/CLI.hpp>

#include "client/failures.h"

namespace ft {

void addLoginFlags(CLI::App& app, LoginOptions& options) {
  app.add_option("--user", options.user, "Log in as this user (FTPC_USER)")->type_name("NAME");
  app.add_option("--password-file", options.passwordFile, "The password is its first line (FTPC_PASSWORD_FILE)")
      ->type_name("FILE");
  app.add_option("--password-fd", options.passwordFd, "The password is the first line of this descriptor")
      ->check(CLI::Range(0, 65'535))
      ->type_name("N");
  app.add_option("--token-file", options.tokenFile, "Log in by the token in this file (or by FTPC_TOKEN)")
      ->type_name("FILE");
  app.add_option("--identity", options.identity, "Log in by the secret key in this file (see ftpc keygen)")
      ->type_name("FILE");
}

void completeLogin(const ClientConfig& config, const Environment& environment, LoginOptions& options) {
  const bool named = options.passwordFile || options.passwordFd || options.tokenFile || options.identity;
  const auto from = [&](const char* name) { return environment(name).value_or(""); };
  if (!options.user) {
    if (const std::string user = from("FTPC_USER"); !user.empty()) options.user = user;
  }
  // What the command line names goes before all that lies about; then the environment, then the configuration.
  if (!named) options.token = from("FTPC_TOKEN");
  if (!named && options.token.empty()) {
    if (const std::string file = from("FTPC_PASSWORD_FILE"); !file.empty()) {
      options.passwordFile = file;
    } else {
      options.tokenFile = config.tokenFile;
      options.passwordFile = config.passwordFile;
      options.identity = config.identity;
    }
  }
  if (!options.user) options.user = config.user;
  const int ways = int{options.passwordFile.has_value()} + int{options.passwordFd.has_value()} +
                   int{options.tokenFile.has_value()} + int{options.identity.has_value()};
  if (ways > 1) {
    throw UsageError("one way to log in is enough: --password-file, --password-fd, --token-file or --identity");
  }
  if (ways == 1 && !options.tokenFile && !options.user) throw UsageError("--user is missing: who logs in?");
  const std::string home = from("HOME");
  if (const auto path = clientConfigPath(environment)) {
    options.usualKeys.push_back(path->substr(0, path->rfind('/')) + "/id_ed25519");
  }
  if (!home.empty()) options.usualKeys.push_back(home + "/.ssh/id_ed25519");
  options.agent = from("SSH_AUTH_SOCK");
}

}  // namespace ft
