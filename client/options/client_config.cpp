#include "client/options/client_config.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "client/failures.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/ini_file.h"
#include "common/nearest_word.h"

namespace ft {
namespace {

struct Key {
  std::string_view name;
  std::optional<std::string> ClientConfig::*field;
  bool isPath = false;
};

constexpr std::array kKeys{Key{"server", &ClientConfig::server},
                           Key{"retry", &ClientConfig::retry},
                           Key{"timeout", &ClientConfig::timeout},
                           Key{"digest", &ClientConfig::digest},
                           Key{"tls", &ClientConfig::tls},
                           Key{"ca", &ClientConfig::ca, true},
                           Key{"cert", &ClientConfig::cert, true},
                           Key{"key", &ClientConfig::key, true},
                           Key{"user", &ClientConfig::user},
                           Key{"password_file", &ClientConfig::passwordFile, true},
                           Key{"token_file", &ClientConfig::tokenFile, true},
                           Key{"identity", &ClientConfig::identity, true}};

[[noreturn]] void unknownKey(const IniEntry& entry, const std::string& source) {
  std::vector<std::string_view> known;
  for (const Key& key : kKeys) known.push_back(key.name);
  std::string message = source + ":" + std::to_string(entry.line) + ": key '" + escapeText(entry.key, 64) +
                        "' in section '" + escapeText(entry.section, 64) + "' is not known";
  message += entry.section == "default" ? didYouMean(entry.key, known) : "; the only section is [default]";
  throw ConfigError(message);
}

ClientConfig fromEntries(const std::vector<IniEntry>& entries, const std::string& source) {
  ClientConfig config;
  config.source = source;
  for (const IniEntry& entry : entries) {
    const Key* found = nullptr;
    for (const Key& key : kKeys) {
      if (entry.section == "default" && key.name == entry.key) found = &key;
    }
    if (found == nullptr) unknownKey(entry, source);
    config.*(found->field) = entry.value;
    config.lines[entry.key] = entry.line;
  }
  return config;
}

std::optional<std::string> xdgFile(const Environment& environment, const char* variable, const char* usual,
                                   const char* name) {
  const auto folder = environment(variable);
  // The XDG rules: a path that is not absolute is to be ignored.
  if (folder && folder->starts_with('/')) return *folder + name;
  const auto home = environment("HOME");
  if (!home || home->empty()) return std::nullopt;
  return *home + usual + name;
}

}  // namespace

std::string ClientConfig::place(std::string_view name) const {
  const auto found = lines.find(name);
  return escapeText(source) + (found == lines.end() ? "" : ":" + std::to_string(found->second));
}

Environment processEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

std::optional<std::string> clientConfigPath(const Environment& environment) {
  return xdgFile(environment, "XDG_CONFIG_HOME", "/.config", "/ftpc/config");
}

std::optional<std::string> knownHostsPath(const Environment& environment) {
  return xdgFile(environment, "XDG_STATE_HOME", "/.local/state", "/ftpc/known_hosts");
}

std::optional<std::string> sourceDigestsPath(const Environment& environment) {
  return xdgFile(environment, "XDG_CACHE_HOME", "/.cache", "/ftpc/digests");
}

ClientConfig parseClientConfig(const std::string& text, const std::string& source) {
  return fromEntries(parseIni(text, source), source);
}

ClientConfig readClientConfig(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return {};
  if (std::error_code ignored; std::filesystem::is_fifo(path, ignored)) {
    throw ConfigError(path + ": is a pipe, not a file");
  }
  return fromEntries(readIniFile(path), path);
}

void expandHome(ClientConfig& config, const Environment& environment) {
  for (const Key& key : kKeys) {
    std::optional<std::string>& value = config.*(key.field);
    if (!key.isPath || !value || !value->starts_with("~/")) continue;
    const std::string home = environment("HOME").value_or("");
    if (home.empty()) {
      throw UsageError(config.place(key.name) + ": '" + escapeText(*value) +
                       "' means a file in HOME, which is not set");
    }
    value->replace(0, 1, home);
  }
}

}  // namespace ft
