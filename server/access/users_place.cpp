#include "server/access/users_place.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "common/error.h"
#include "common/escape.h"
#include "common/private_folder.h"
#include "server/access/root_checks.h"
#include "server/access/users_file.h"

namespace ft {
namespace {

constexpr const char* kConfigVariable = "FTPD_CONFIG";
// systemd.exec(5)
constexpr const char* kStateVariable = "STATE_DIRECTORY";

// Whether the host is a numeric address or a name that the system knows.
bool canBeResolved(std::string_view address) {
  std::string host(address.substr(0, address.rfind(':')));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0) return false;
  ::freeaddrinfo(found);
  return true;
}

}  // namespace

std::string usersFile(const ServerConfig& config) {
  if (!config.login.users.empty()) return config.login.users;
  return config.state.empty() ? "" : config.state + "/users";
}

void makeStateFolder(const ServerConfig& config) noexcept {
  if (!config.state.empty()) makePrivateFolder(config.state);
}

void checkExposure(const EffectiveConfig& effective) {
  const ServerConfig& config = effective.config;
  if (config.insecureNoAuth || config.access.findUser("anonymous") != nullptr) return;
  const auto reachable = std::find_if_not(config.listen.begin(), config.listen.end(), isLoopbackAddress);
  if (reachable == config.listen.end()) return;
  if (!canBeResolved(*reachable)) {
    throw ConfigError(effective.origins.front() + ": the host of '" + escapeText(*reachable, 200) +
                      "' cannot be resolved");
  }
  const std::string file = usersFile(config);
  if (!file.empty() && !UserTable::parse(readUsersText(file), escapeText(file)).empty()) return;
  throw ConfigError(effective.origins.front() + ": refusing to listen on '" + escapeText(*reachable, 200) +
                    "', which is not a loopback address: there are no accounts" +
                    (file.empty() ? "" : " in " + escapeText(file)) +
                    ". `ftpd user add NAME` makes one, and [user NAME] allow says what it may do; without any, "
                    "--insecure-no-auth lets everyone who reaches it read, replace and remove all files");
}

SystemService systemService() {
  SystemService service;
  service.mayBeMeant = ::geteuid() == 0;
  return service;
}

Environment environmentFor(const std::string& file, const Environment& environment, const SystemService& service) {
  Environment own = environment;
  const bool meant = service.mayBeMeant && file == service.config && ::access(service.state.c_str(), X_OK) == 0;
  if (meant) own.try_emplace(kStateVariable, service.state);
  return own;
}

std::string configFileMeant(const std::string& file, const Environment& environment, const SystemService& service) {
  if (!file.empty()) return file;
  if (const auto named = environment.find(kConfigVariable); named != environment.end()) return named->second;
  return service.mayBeMeant && ::access(service.config.c_str(), R_OK) == 0 ? service.config : "";
}

ServerConfig configOfUsers(const std::string& file, const Environment& environment, const SystemService& service) {
  const std::string chosen = configFileMeant(file, environment, service);
  std::vector<ConfigSetting> settings;
  if (!chosen.empty()) settings = settingsFromFile(chosen);
  for (ConfigSetting& setting : settingsFromEnvironment(environment)) settings.push_back(std::move(setting));
  EffectiveConfig effective = buildConfig(settings, environmentFor(chosen, environment, service));
  keepStateOutOfReach(effective);
  return std::move(effective.config);
}

}  // namespace ft
