#pragma once
// The daemon's configuration: a plain struct, and one table of keys (config_keys.cpp) that drives the file, the
// environment, --print-config and the messages. A new key is a member here and a row there.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/ini_file.h"
#include "server/config/access_rules.h"
#include "server/config/login_config.h"
#include "server/config/services_config.h"
#include "server/config/tls_config.h"
#include "server/limits/connection_limits.h"
#include "server/log/log.h"
#include "server/sandbox/sandbox.h"
#include "server/storage/disk_options.h"

namespace ft {

// The initial values are the built-in defaults.
struct ServerConfig {
  // [server]
  std::vector<std::string> listen{"127.0.0.1:7021"};  // HOST:PORT, [IPV6]:PORT or unix:/PATH
  std::size_t workers = 32;
  std::size_t maxConnections = 0;  // 0: as many as the descriptors allow
  std::size_t maxPerAddress = 64;
  std::chrono::milliseconds headerTimeout = std::chrono::seconds(10);
  std::chrono::milliseconds idleTimeout = std::chrono::minutes(5);
  std::chrono::milliseconds drainTimeout = std::chrono::seconds(60);
  bool insecureNoAuth = false;
  std::uint32_t socketMode = 0660;  // of Unix sockets
  std::string user;                 // whom to become after binding; empty: nobody else
  SandboxMode sandbox = SandboxMode::BestEffort;
  std::string state;  // empty: defaultState(), which may be empty too
  // [storage]
  std::string root;  // empty: defaultRoot()
  DiskStorageOptions::Durability durability = DiskStorageOptions::Durability::Full;
  std::uint64_t minFree = std::uint64_t{64} << 20;
  std::chrono::milliseconds partExpire = std::chrono::hours(24 * 7);
  bool backgroundMd5 = true;
  std::uint32_t fileMode = 0644;
  std::uint32_t folderMode = 0755;
  // [limits]
  std::chrono::milliseconds loginTimeout = std::chrono::seconds(60);
  StartupLimit startups;
  std::uint64_t rate = 0;  // bytes a second; 0: no limit
  std::uint64_t ratePerAddress = 0;
  // [audit]
  std::string auditFile;  // empty: the log
  // The process's umask when it began; the sandbox does not let it be read again.
  std::uint32_t umask = 0777;
  // The file that was read; empty: none.
  std::string file;
  // [tls]
  TlsConfig tls;
  // [access]
  LoginConfig login;
  // What was given, is not wrong, and is hardly meant (server/access/root_checks.h): a sentence each, with its place.
  std::vector<std::string> warnings;
  // [log]
  LogLevel logLevel = LogLevel::Info;
  LogFormat logFormat = LogFormat::Text;
  // [root NAME], [user NAME]: as they were given, and where; and what they mean.
  std::vector<IniEntry> accessEntries;
  std::vector<std::string> accessOrigins;
  AccessRules access;
  // [echo], [discovery], [plain-exec], [exec], [exec.NAME]
  ServicesConfig services;
};

using Environment = std::map<std::string, std::string>;
// The environment of this process.
Environment processEnvironment();

// One row of the table of keys.
struct ConfigKey {
  std::string_view section;
  std::string_view key;
  std::string_view description;  // one line, for the shipped file and for help
  // Stores the value that `text` says. Returns "" or what the value must be, to stand behind "must be".
  std::string (*parse)(std::string_view text, ServerConfig& config);
  // The value as it stands in a file.
  std::string (*print)(const ServerConfig& config);
};

std::span<const ConfigKey> configKeys();
// FTPD_SERVER__LISTEN for the row of [server] listen.
std::string environmentName(const ConfigKey& key);

// A value that was given, and where: "ftpd.conf:12", "FTPD_LOG__LEVEL", "--root".
struct ConfigSetting {
  std::string section;
  std::string key;
  std::string value;
  std::string origin;
};

// With a setting of an empty key for each section, where it begins. Throws ConfigError when the file cannot be read or
// is not INI.
std::vector<ConfigSetting> settingsFromFile(const std::string& path);
// The variables of the form FTPD_<SECTION>__<KEY>; others are not looked at. One that is no key is kept, for
// buildConfig() to refuse.
std::vector<ConfigSetting> settingsFromEnvironment(const Environment& environment);

// A sentence for each variable that is not looked at and is nearly one that is: FTPD_SERVER_WORKERS.
std::vector<std::string> unreadVariables(const Environment& environment);

// A configuration and, for each row of configKeys(), where its value came from ("default" for most).
struct EffectiveConfig {
  ServerConfig config;
  std::vector<std::string> origins;
};

// Later settings win. Throws ConfigError that tells all faults at once, one a line: unknown sections and keys (with the
// nearest known one), bad values, a key twice from one file, and an address that others can reach while TLS is off,
// unless insecure_no_auth. (Whether anybody could log in there is checkExposure()'s.)
EffectiveConfig buildConfig(std::span<const ConfigSetting> settings, const Environment& environment);

// The configuration as INI that reads back as the same, each value with its origin in a comment above it.
std::string printConfig(const EffectiveConfig& effective);

// $XDG_DATA_HOME/ftpd, else ~/.local/share/ftpd; "" when there is no home folder.
std::string defaultRoot(const Environment& environment);
// $STATE_DIRECTORY (of systemd), else $XDG_STATE_HOME/ftpd, else ~/.local/state/ftpd; "" when there is no home folder.
std::string defaultState(const Environment& environment);

// An address of this machine only, which nobody else can reach: 127.0.0.0/8, ::1, localhost, unix:/PATH. `address` is
// that, HOST:PORT or [IPV6]:PORT.
bool isLoopbackAddress(std::string_view address);

}  // namespace ft
