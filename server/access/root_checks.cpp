#include "server/access/root_checks.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/escape.h"
#include "common/protocol.h"
#include "server/access/users_place.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

// As the kernel has it (path_resolution(7)).
constexpr int kMostLinks = 40;

// A folder that is served, and the setting that says so.
struct Served {
  std::string given;
  fs::path real;
  std::string setting, origin;
};

// Something of the daemon's own.
struct Private {
  std::string what, path, setting, origin;
};

bool isInside(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end() && rest != path.end();
}

// Every name that is looked up on the way to `path`, without links above it; the last is what the path leads to. Who
// can replace any of them can replace what is there.
std::vector<fs::path> namesOnTheWay(const fs::path& path) {
  std::error_code failed;
  std::vector<fs::path> names;
  std::vector<fs::path> left;  // the next one last
  const auto goOnWith = [&](const fs::path& more) {
    const std::vector<fs::path> parts(more.begin(), more.end());
    left.insert(left.end(), parts.rbegin(), parts.rend());
  };
  goOnWith(fs::absolute(path, failed).relative_path());
  fs::path at = "/";
  for (int links = 0; !left.empty();) {
    const fs::path part = std::move(left.back());
    left.pop_back();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      at = at.parent_path();
      continue;
    }
    names.push_back(at / part);
    const fs::path target = fs::read_symlink(names.back(), failed);
    if (failed || ++links > kMostLinks) {
      at = names.back();
      continue;
    }
    if (target.is_absolute()) at = "/";
    goOnWith(target.relative_path());
  }
  names.push_back(at);
  return names;
}

std::string originOf(const EffectiveConfig& effective, std::string_view section, std::string_view key) {
  const auto keys = configKeys();
  const auto row = std::find_if(keys.begin(), keys.end(),
                                [&](const ConfigKey& each) { return each.section == section && each.key == key; });
  return row == keys.end() ? "default" : effective.origins[static_cast<std::size_t>(row - keys.begin())];
}

std::vector<Served> servedFolders(const EffectiveConfig& effective) {
  std::vector<Served> served;
  const auto add = [&](const std::string& path, const std::string& setting, const std::string& origin) {
    served.push_back({path, namesOnTheWay(path).back(), setting, origin});
  };
  const ServerConfig& config = effective.config;
  for (const RootRules& root : config.access.roots) add(root.path.value, "[root " + root.name + "]", root.path.origin);
  if (config.access.roots.empty()) add(config.root, "[storage] root", originOf(effective, "storage", "root"));
  return served;
}

std::vector<Private> privatePlaces(const EffectiveConfig& effective) {
  const ServerConfig& config = effective.config;
  std::vector<Private> places;
  const auto add = [&](const std::string& what, const std::string& path, std::string_view section,
                       std::string_view key) {
    if (path.empty()) return;
    const std::string setting = "[" + std::string(section) + "] " + std::string(key);
    places.push_back({what, path, setting, originOf(effective, section, key)});
  };
  add("the state folder", config.state, "server", "state");
  if (config.login.users.empty()) {
    add("the users file", usersFile(config), "server", "state");
  } else {
    add("the users file", config.login.users, "access", "users");
  }
  const bool ownCertificate = config.tls.mode != TlsMode::Off && config.tls.certificate.empty();
  if (ownCertificate && !config.state.empty()) add("the TLS key", config.state + "/tls/key.pem", "server", "state");
  add("the TLS certificate", config.tls.certificate, "tls", "certificate");
  add("the TLS key", config.tls.key, "tls", "key");
  add("the file of authorities", config.tls.clientCa, "tls", "client_ca");
  add("the audit log", config.auditFile, "audit", "file");
  if (!config.file.empty()) places.push_back({"the configuration file", config.file, "--config", "default"});
  if (!config.services.exec.socket.empty()) {
    places.push_back({"the socket of ftpd-exec", config.services.exec.socket, "[exec] socket", "default"});
  }
  return places;
}

std::string faultOf(const Private& place, const Served& root) {
  const std::string reserved = escapeText(root.given) + "/" + std::string(kReservedFolder);
  const std::string& origin = place.origin == "default" ? root.origin : place.origin;
  std::string text = origin == "default" ? "" : origin + ": ";
  text += place.what + " " + escapeText(place.path) + " (" + place.setting + ") lies inside the root " +
          escapeText(root.given) + " (" + root.setting + "), so clients could fetch or replace it; ";
  if (place.setting != "[server] state") return text + "move it out of the root, or serve a folder beside it";
  return text +
         "serve another folder, or keep the daemon's own data elsewhere: server.state (FTPD_SERVER__STATE), for "
         "example as " +
         reserved + "/state, which no client reaches";
}

}  // namespace

void keepStateOutOfReach(EffectiveConfig& effective) {
  std::string& state = effective.config.state;
  if (state.empty() || originOf(effective, "server", "state") != "default") return;
  std::error_code failed;
  if (fs::exists(state, failed) && !fs::is_empty(state, failed)) return;
  const fs::path real = namesOnTheWay(state).back();
  for (const Served& root : servedFolders(effective)) {
    if (!isInside(real, root.real)) continue;
    const std::string before = std::exchange(state, root.given + "/" + std::string(kReservedFolder) + "/state");
    effective.config.warnings.push_back("the daemon's own data (its users, its key) is kept in " + escapeText(state) +
                                        ", as " + escapeText(before) + " lies inside the root " +
                                        escapeText(root.given) +
                                        "; server.state (FTPD_SERVER__STATE) names another place, "
                                        "and is needed for `ftpd user` to know it");
    return;
  }
}

void checkPrivatePlaces(const EffectiveConfig& effective) {
  std::string faults;
  std::vector<std::string> told;
  const std::vector<Served> served = servedFolders(effective);
  for (const Private& place : privatePlaces(effective)) {
    const std::vector<fs::path> names = namesOnTheWay(place.path);
    for (const Served& root : served) {
      const auto reachable = [&](const fs::path& name) {
        return isInside(name, root.real) && !isInside(name, root.real / kReservedFolder) &&
               name != root.real / kReservedFolder;
      };
      const bool found = std::any_of(names.begin(), names.end(), reachable) || names.back() == root.real;
      // What lies in the state folder is told of with it.
      if (!found || std::find(told.begin(), told.end(), place.setting) != told.end()) continue;
      told.push_back(place.setting);
      faults += (faults.empty() ? "" : "\n") + faultOf(place, root);
    }
  }
  if (!faults.empty()) throw ConfigError(faults);
}

std::optional<std::uint32_t> numberOfOwner(const Placed<SystemId>& id, const std::string& kind) {
  if (id.given() && !id.value.number) {
    throw ConfigError(id.origin + ": this system has no " + kind + " '" + escapeText(id.value.name, 80) + "'");
  }
  return id.value.number;
}

void checkRoots(const EffectiveConfig& effective) {
  for (const Served& root : servedFolders(effective)) {
    std::error_code failed;
    const fs::file_status status = fs::status(root.given, failed);
    if (!fs::exists(status) || fs::is_directory(status)) continue;
    const std::string origin = root.origin == "default" ? "" : root.origin + ": ";
    throw ConfigError(origin + "the root " + escapeText(root.given) + " (" + root.setting + ") is not a folder");
  }
  for (const RootRules& root : effective.config.access.roots) {
    numberOfOwner(root.owner, "user");
    numberOfOwner(root.group, "group");
  }
}

void noteIdleSettings(EffectiveConfig& effective) {
  ServerConfig& config = effective.config;
  const std::string origin = originOf(effective, "storage", "root");
  if (!config.access.roots.empty() && origin != "default") {
    config.warnings.push_back(origin + ": the root " + escapeText(config.root) +
                              " is not served: there are [root NAME] sections, and only these are");
  }
  const UserRules* const all = config.access.findUser("*");
  for (const UserRules& user : config.access.users) {
    const std::string& home = user.home.given() || all == nullptr ? user.home.value : all->home.value;
    for (const PathRule& rule : user.allow.value) {
      const bool counts = rule.prefix.empty() || home == rule.prefix || home.starts_with(rule.prefix + "/");
      if (counts || !rule.verbs.has(Verb::Exec)) continue;
      config.warnings.push_back(user.allow.origin + ": [user " + user.name + "] allow: '" + escapeText(rule.text, 80) +
                                "' allows no command: exec belongs to no folder and counts for '/' only");
    }
  }
}

}  // namespace ft
