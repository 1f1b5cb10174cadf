#include "server/config/config.h"

#include <arpa/inet.h>
#include <fmt/ranges.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "common/lower_case.h"
#include "common/nearest_word.h"
#include "common/system_account.h"
#include "common/version.h"
#include "server/limits/source_address.h"

namespace ft {
namespace {

// How much of a value from outside a message shows. Bytes.
constexpr std::size_t kShownValue = 120;

std::string quoted(std::string_view text) { return "'" + escapeText(text, kShownValue) + "'"; }

std::string upperCase(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

bool isFromEnvironment(const ConfigSetting& setting) { return setting.origin.starts_with("FTPD_"); }

// Why a setting that is no row of the table is refused.
std::string unknownKeyFault(const ConfigSetting& setting) {
  std::vector<std::string_view> sections, keys;
  std::vector<std::string> variables;
  std::string_view home;  // the section that has a key of this name
  for (const ConfigKey& row : configKeys()) {
    sections.push_back(row.section);
    variables.push_back(environmentName(row));
    if (row.section == setting.section) keys.push_back(row.key);
    if (row.key == setting.key && home.empty()) home = row.section;
  }
  if (isFromEnvironment(setting)) {
    const std::vector<std::string_view> names(variables.begin(), variables.end());
    return "no such setting" + didYouMean(setting.origin, names);
  }
  if (keys.empty() && !setting.section.empty()) {
    const std::string_view near = nearestWord(setting.section, sections);
    return "unknown section [" + setting.section + "]" +
           (near.empty() ? "" : "; did you mean '[" + std::string(near) + "]'?");
  }
  const std::string key = "unknown key " + quoted(setting.key);
  const std::string belongs = home.empty() ? "" : "; it belongs in [" + std::string(home) + "]";
  if (setting.section.empty()) return key + " before the first section" + belongs;
  std::string hint = didYouMean(setting.key, keys);
  if (hint.empty()) hint = belongs;
  if (hint.empty()) hint = fmt::format("; its keys are {}", fmt::join(keys, ", "));
  return key + " in [" + setting.section + "]" + hint;
}

class ConfigBuilder {
 public:
  ConfigBuilder() { effective_.origins.assign(configKeys().size(), "default"); }

  void apply(const ConfigSetting& setting) {
    if (setting.key.empty() && !isFromEnvironment(setting)) return checkSection(setting);
    if (unknownSections_.contains(setting.section)) return;
    // What is named by whoever configures it has sections that are not in the table.
    ServerConfig& config = effective_.config;
    if (isExecSection(setting.section)) return keep(setting, config.services.execEntries, config.services.execOrigins);
    if (isAccessSection(setting.section)) return keep(setting, config.accessEntries, config.accessOrigins);
    const std::span<const ConfigKey> keys = configKeys();
    const auto row = std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& key) {
      return key.section == setting.section && key.key == setting.key;
    });
    if (row == keys.end()) return addFault(setting.origin, unknownKeyFault(setting));
    std::string& origin = effective_.origins[static_cast<std::size_t>(row - keys.begin())];
    if (isSameFile(origin, setting.origin)) {
      return addFault(setting.origin, "'" + setting.key + "' was set before, at " + origin);
    }
    origin = setting.origin;
    const std::string expected = row->parse(setting.value, effective_.config);
    if (!expected.empty())
      addFault(setting.origin, describe(setting) + " must be " + expected + ", not " + quoted(setting.value));
  }

  EffectiveConfig finish(const Environment& environment) {
    if (effective_.config.root.empty()) effective_.config.root = defaultRoot(environment);
    if (effective_.config.state.empty()) effective_.config.state = defaultState(environment);
    if (effective_.config.root.empty()) {
      faults_ += "--root: there is no home folder to keep the files in, so the root must be named ([storage] root)\n";
    }
    checkListen();
    checkTls();
    checkNamedSections();
    readAccess();
    readExec();
    if (!faults_.empty()) throw ConfigError(faults_.substr(0, faults_.size() - 1));
    return std::move(effective_);
  }

 private:
  // Two places in one file differ in their line only.
  static bool isSameFile(const std::string& a, const std::string& b) {
    const std::size_t colon = a.rfind(':');
    return colon != std::string::npos && colon == b.rfind(':') && a.compare(0, colon, b, 0, colon) == 0;
  }

  static std::string describe(const ConfigSetting& setting) {
    return setting.origin.find(':') == std::string::npos ? "the value" : "'" + setting.key + "'";
  }

  // Told where it begins, and not once more for each of its keys.
  void checkSection(const ConfigSetting& setting) {
    const auto isHere = [&](const ConfigKey& key) { return key.section == setting.section; };
    if (isExecSection(setting.section) || isAccessSection(setting.section)) {
      const bool named = setting.section.find_first_of(" .") != std::string::npos;
      if (named) namedSections_.push_back(setting);
      return;
    }
    if (std::ranges::any_of(configKeys(), isHere)) return;
    if (unknownSections_.insert(setting.section).second) addFault(setting.origin, unknownKeyFault(setting));
  }

  // Keeps an entry for a reader of its own; the later place wins.
  void keep(const ConfigSetting& setting, std::vector<IniEntry>& entries, std::vector<std::string>& origins) {
    const auto same = [&](const IniEntry& entry) {
      return entry.section == setting.section && entry.key == setting.key;
    };
    const auto before = std::find_if(entries.begin(), entries.end(), same);
    if (before == entries.end()) {
      entries.push_back({setting.section, setting.key, setting.value, 0});
      origins.push_back(setting.origin);
      return;
    }
    std::string& origin = origins[static_cast<std::size_t>(before - entries.begin())];
    if (isSameFile(origin, setting.origin)) {
      return addFault(setting.origin, "'" + setting.key + "' was set before, at " + origin);
    }
    before->value = setting.value;
    origin = setting.origin;
  }

  void readAccess() {
    ServerConfig& config = effective_.config;
    std::vector<AccessFault> faults;
    config.access = readAccessRules(config.accessEntries, config.accessOrigins, faults);
    for (const AccessFault& fault : faults) addFault(config.accessOrigins[fault.entry], fault.reason);
  }

  void readExec() {
    ServicesConfig& services = effective_.config.services;
    std::vector<ExecFault> faults;
    services.exec = readExecSettings(services.execEntries, effective_.config.root, faults);
    for (const ExecFault& fault : faults) addFault(services.execOrigins[fault.entry], fault.reason);
    if (services.plainExec.listen.empty() || isLoopbackAddress(services.plainExec.listen)) return;
    addFault("plain-exec.listen", "refusing to listen on " + quoted(services.plainExec.listen) +
                                      ", which is not a loopback address: the plain command line runs any command "
                                      "for anyone who reaches it");
  }

  // Without its keys such a section would not be there, and what it was to serve or to forbid neither.
  void checkNamedSections() {
    const ServerConfig& config = effective_.config;
    for (const ConfigSetting& named : namedSections_) {
      const auto isOfIt = [&](const IniEntry& entry) { return entry.section == named.section; };
      if (std::ranges::any_of(config.accessEntries, isOfIt)) continue;
      if (std::ranges::any_of(config.services.execEntries, isOfIt)) continue;
      addFault(named.origin, "[" + named.section + "] is empty: give it keys, or take it out");
    }
  }

  const std::string& originOf(std::string_view section, std::string_view key) const {
    const auto row = std::ranges::find_if(
        configKeys(), [&](const ConfigKey& known) { return known.section == section && known.key == key; });
    return effective_.origins[static_cast<std::size_t>(row - configKeys().begin())];
  }

  void checkTls() {
    const TlsConfig& tls = effective_.config.tls;
    if (tls.mode == TlsMode::Off || tls.certificate.empty() == tls.key.empty()) return;
    const bool onlyKey = tls.certificate.empty();
    addFault(originOf("tls", onlyKey ? "key" : "certificate"),
             std::string("'") + (onlyKey ? "key" : "certificate") + "' is named and '" +
                 (onlyKey ? "certificate" : "key") +
                 "' is not: [tls] needs both, or none for a certificate of its own");
  }

  void addFault(const std::string& origin, const std::string& reason) { faults_ += origin + ": " + reason + "\n"; }

  void checkListen() {
    // With TLS it is for the accounts to say who may come.
    if (effective_.config.insecureNoAuth || effective_.config.tls.mode != TlsMode::Off) return;
    for (const std::string& address : effective_.config.listen) {
      if (isLoopbackAddress(address)) continue;
      addFault(originOf("server", "listen"),
               "refusing to listen on " + quoted(address) +
                   ", which is not a loopback address, without TLS (tls.mode): passwords and "
                   "files could be read and changed on their way; --insecure-no-auth permits it "
                   "all the same");
    }
  }

  EffectiveConfig effective_;
  std::string faults_;
  std::set<std::string> unknownSections_;
  std::vector<ConfigSetting> namedSections_;  // [root NAME] and the like, where they begin
};

// As a value in an INI file.
std::string iniValue(const std::string& value) {
  const bool needsQuotes = value.starts_with(' ') || value.starts_with('\t') || value.starts_with('"') ||
                           value.ends_with(' ') || value.ends_with('\t');
  return needsQuotes ? "\"" + value + "\"" : value;
}

std::string printEntries(std::span<const IniEntry> entries, std::span<const std::string> origins) {
  std::string text, section;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].section != section) text += "\n[" + entries[i].section + "]\n";
    section = entries[i].section;
    text += "# from: " + origins[i] + "\n" + entries[i].key + " = " + iniValue(entries[i].value) + "\n";
  }
  return text;
}

std::string homeFromAccount() {
  const auto account = ownAccount();
  return account ? account->home : "";
}

std::string find(const Environment& environment, const std::string& name) {
  const auto variable = environment.find(name);
  return variable == environment.end() ? "" : variable->second;
}

// $VARIABLE/ftpd, else the folder `usual`/ftpd at home.
std::string xdgFolder(const Environment& environment, const char* variable, const char* usual) {
  // The XDG specification has relative paths ignored.
  const std::string named = find(environment, variable);
  if (named.starts_with('/')) return named + "/ftpd";
  const std::string home = find(environment, "HOME");
  const std::string base = home.starts_with('/') ? home : homeFromAccount();
  return base.empty() ? "" : base + usual + "/ftpd";
}

}  // namespace

Environment processEnvironment() {
  Environment environment;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

std::string environmentName(const ConfigKey& key) {
  return "FTPD_" + upperCase(key.section) + "__" + upperCase(key.key);
}

std::vector<ConfigSetting> settingsFromFile(const std::string& path) {
  std::vector<ConfigSetting> settings;
  for (IniEntry& entry : readIniFile(path, IniSections::Keep)) {
    settings.push_back({std::move(entry.section), std::move(entry.key), std::move(entry.value),
                        escapeText(path) + ":" + std::to_string(entry.line)});
  }
  return settings;
}

std::vector<ConfigSetting> settingsFromEnvironment(const Environment& environment) {
  static constexpr std::string_view kPrefix = "FTPD_";
  std::vector<ConfigSetting> settings;
  for (const auto& [name, value] : environment) {
    const std::size_t split = name.find("__");
    if (!name.starts_with(kPrefix) || split == std::string::npos) continue;
    ConfigSetting setting{lowerCase(name.substr(kPrefix.size(), split - kPrefix.size())),
                          lowerCase(name.substr(split + 2)), value, escapeText(name, kShownValue)};
    // The names in the table may have '-' where the variable has '_'.
    for (const ConfigKey& key : configKeys()) {
      if (environmentName(key) != name) continue;
      setting.section = key.section;
      setting.key = key.key;
    }
    settings.push_back(std::move(setting));
  }
  return settings;
}

std::vector<std::string> unreadVariables(const Environment& environment) {
  std::vector<std::string> names, sentences;
  for (const ConfigKey& key : configKeys()) names.push_back(environmentName(key));
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto namesSection = [](const std::string& name) {
    return std::ranges::any_of(
        configKeys(), [&](const ConfigKey& key) { return name.starts_with("FTPD_" + upperCase(key.section) + "_"); });
  };
  for (const auto& [name, value] : environment) {
    if (name.find("__") != std::string::npos || !namesSection(name)) continue;
    const std::string meant = didYouMean(name, known);
    if (!meant.empty()) sentences.push_back(escapeText(name, kShownValue) + ": is not read" + meant);
  }
  return sentences;
}

EffectiveConfig buildConfig(std::span<const ConfigSetting> settings, const Environment& environment) {
  ConfigBuilder builder;
  for (const ConfigSetting& setting : settings) builder.apply(setting);
  return builder.finish(environment);
}

std::string printConfig(const EffectiveConfig& effective) {
  std::string text = "# The configuration of ftpd " + std::string(kVersion) + " as it is in effect.\n";
  std::string_view section;
  for (std::size_t i = 0; i < configKeys().size(); ++i) {
    const ConfigKey& key = configKeys()[i];
    if (key.section != section) text += "\n[" + std::string(key.section) + "]\n";
    section = key.section;
    text += "# from: " + effective.origins[i] + "\n";
    text += std::string(key.key) + " = " + iniValue(key.print(effective.config)) + "\n";
  }
  const ServerConfig& config = effective.config;
  text += printEntries(config.accessEntries, config.accessOrigins);
  text += printEntries(config.services.execEntries, config.services.execOrigins);
  return text;
}

std::string defaultRoot(const Environment& environment) {
  return xdgFolder(environment, "XDG_DATA_HOME", "/.local/share");
}

std::string defaultState(const Environment& environment) {
  const std::string folders = find(environment, "STATE_DIRECTORY");
  if (folders.starts_with('/')) return folders.substr(0, folders.find(':'));
  return xdgFolder(environment, "XDG_STATE_HOME", "/.local/state");
}

bool isLoopbackAddress(std::string_view address) {
  if (address.starts_with("unix:")) return true;
  std::string host(address.substr(0, address.rfind(':')));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") return true;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  sockaddr_storage any{};
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    std::memcpy(&any, &v4, sizeof v4);
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    std::memcpy(&any, &v6, sizeof v6);
  }
  return SourceAddress::of(any).loopback();
}

}  // namespace ft
