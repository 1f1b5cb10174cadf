#include <algorithm>
#include <array>
#include <charconv>

#include "common/units.h"
#include "server/config/config.h"
#include "server/config/key_tables.h"
#include "server/config/values.h"

namespace ft {
namespace {

using Durability = DiskStorageOptions::Durability;

constexpr std::uint64_t kMostPort = 65'535;

// Parsers: each gives back "" or what the value must be.

template <auto Member, std::size_t Least, std::size_t Most>
std::string parseCount(std::string_view text, ServerConfig& config) {
  return readCount(text, {Least, Most}, config.*Member);
}

template <auto Member>
std::string parseBytes(std::string_view text, ServerConfig& config) {
  return readBytes(text, config.*Member);
}

template <auto Member, std::int64_t LeastMs>
std::string parseTime(std::string_view text, ServerConfig& config) {
  return readTime(text, std::chrono::milliseconds(LeastMs), config.*Member);
}

template <auto Member, std::uint32_t Required>
std::string parseMode(std::string_view text, ServerConfig& config) {
  return readMode(text, Required, config.*Member);
}

template <auto Member>
std::string parseYesNo(std::string_view text, ServerConfig& config) {
  return readYesNo(text, config.*Member);
}

std::string parseUser(std::string_view text, ServerConfig& config) {
  config.user = text;
  return "";
}

std::string parseSandbox(std::string_view text, ServerConfig& config) {
  const auto mode = sandboxModeFromName(text);
  if (!mode) return "required, best-effort or off";
  config.sandbox = *mode;
  return "";
}

constexpr std::array kPlainForms{Word<bool>{"loopback", false}, Word<bool>{"anywhere", true}};

std::string parsePlainForm(std::string_view text, ServerConfig& config) {
  return readWord(text, kPlainForms, config.login.plainFormAnywhere);
}

template <auto Member>
std::string parsePath(std::string_view text, ServerConfig& config) {
  return readPath(text, config.*Member);
}

// HOST:PORT, [IPV6]:PORT or unix:/PATH.
bool isListenAddress(std::string_view address) {
  if (address.starts_with("unix:")) return address.starts_with("unix:/") && address.size() > std::size("unix:/") - 1;
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto port = parseNumber(address.substr(colon + 1));
  if (!port || *port > kMostPort) return false;
  const std::string_view host = address.substr(0, colon);
  if (host.front() == '[') return host.size() > 2 && host.back() == ']';
  return host.find_first_of(":[] \t/") == std::string_view::npos;
}

std::string parseListen(std::string_view text, ServerConfig& config) {
  static constexpr const char* kExpected = "HOST:PORT, [IPV6]:PORT or unix:/PATH, several with commas between them";
  std::vector<std::string> addresses;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string_view address = text.substr(begin, end - begin);
    address.remove_prefix(std::min(address.find_first_not_of(' '), address.size()));
    address = address.substr(0, address.find_last_not_of(' ') + 1);
    if (!isListenAddress(address)) return kExpected;
    addresses.emplace_back(address);
    begin = end + 1;
  }
  config.listen = std::move(addresses);
  return "";
}

constexpr std::array kDurabilities{Word<Durability>{"full", Durability::Full},
                                   Word<Durability>{"file", Durability::File},
                                   Word<Durability>{"none", Durability::None}};

std::string parseDurability(std::string_view text, ServerConfig& config) {
  return readWord(text, kDurabilities, config.durability);
}

std::string parseLogLevel(std::string_view text, ServerConfig& config) {
  const auto level = logLevelFromName(text);
  if (!level) return "trace, debug, info, warn or error";
  config.logLevel = *level;
  return "";
}

std::string parseLogFormat(std::string_view text, ServerConfig& config) {
  const auto format = logFormatFromName(text);
  if (!format) return "text or json";
  config.logFormat = *format;
  return "";
}

// Printers: each gives the text that the parser beside it reads.

template <auto Member>
std::string printCount(const ServerConfig& config) {
  return std::to_string(config.*Member);
}

template <auto Member>
std::string printBytes(const ServerConfig& config) {
  return writeSize(config.*Member);
}

template <auto Member>
std::string printTime(const ServerConfig& config) {
  return writeDuration(config.*Member);
}

template <auto Member>
std::string printMode(const ServerConfig& config) {
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), config.*Member, 8).ptr;
  return "0" + std::string(digits.data(), end);
}

template <auto Member>
std::string printYesNo(const ServerConfig& config) {
  return writeYesNo(config.*Member);
}

template <auto Member>
std::string printText(const ServerConfig& config) {
  return config.*Member;
}

std::string printSandbox(const ServerConfig& config) { return std::string(sandboxModeName(config.sandbox)); }
std::string printPlainForm(const ServerConfig& config) {
  return writeWord(kPlainForms, config.login.plainFormAnywhere);
}
std::string printLogLevel(const ServerConfig& config) { return std::string(logLevelName(config.logLevel)); }
std::string printLogFormat(const ServerConfig& config) { return std::string(logFormatName(config.logFormat)); }

std::string printListen(const ServerConfig& config) {
  std::string all;
  for (const std::string& address : config.listen) all += (all.empty() ? "" : ", ") + address;
  return all;
}

std::string printDurability(const ServerConfig& config) { return writeWord(kDurabilities, config.durability); }

constexpr std::size_t kMostWorkers = 1024;
constexpr std::size_t kMostConnections = 1'000'000;

using C = ServerConfig;
constexpr std::array kKeys{
    ConfigKey{
        "server", "listen",
        "addresses to listen on: HOST:PORT, [IPV6]:PORT or unix:/PATH, several with commas; port 0 picks a free one",
        parseListen, printListen},
    ConfigKey{"server", "workers", "threads that serve requests; a connection that waits for its peer needs none",
              parseCount<&C::workers, 1, kMostWorkers>, printCount<&C::workers>},
    ConfigKey{"server", "max_connections", "connections at once; 0: 12000, or what the limit of descriptors allows",
              parseCount<&C::maxConnections, 0, kMostConnections>, printCount<&C::maxConnections>},
    ConfigKey{"server", "max_per_address",
              "connections at once from one address; loopback addresses are not held to it",
              parseCount<&C::maxPerAddress, 1, kMostConnections>, printCount<&C::maxPerAddress>},
    ConfigKey{"server", "header_timeout", "time from the first byte of a header to its last",
              parseTime<&C::headerTimeout, 1>, printTime<&C::headerTimeout>},
    ConfigKey{"server", "idle_timeout", "time that a connection may do nothing", parseTime<&C::idleTimeout, 1>,
              printTime<&C::idleTimeout>},
    ConfigKey{"server", "drain_timeout", "time that running transfers get to finish when the daemon stops",
              parseTime<&C::drainTimeout, 0>, printTime<&C::drainTimeout>},
    ConfigKey{
        "server", "insecure_no_auth",
        "yes: everyone who reaches a port may do everything, without log-in, accounts or not; plain text is taken "
        "from everywhere",
        parseYesNo<&C::insecureNoAuth>, printYesNo<&C::insecureNoAuth>},
    ConfigKey{"server", "socket_mode", "permission bits of Unix sockets, in octal: who may write may connect",
              parseMode<&C::socketMode, 0600>, printMode<&C::socketMode>},
    ConfigKey{"server", "user", "user to become once all ports are bound; empty: none", parseUser, printText<&C::user>},
    ConfigKey{"server", "sandbox",
              "whether to do without a part of the sandbox that the kernel does not have: required, best-effort, off",
              parseSandbox, printSandbox},
    ConfigKey{"server", "plain_form", "where the plain form of the protocol is served: loopback or anywhere",
              parsePlainForm, printPlainForm},
    ConfigKey{"server", "state",
              "folder of what the daemon keeps for itself; empty: $STATE_DIRECTORY, $XDG_STATE_HOME/ftpd, "
              "~/.local/state/ftpd",
              parsePath<&C::state>, printText<&C::state>},
    ConfigKey{"storage", "root", "folder of the files; empty: $XDG_DATA_HOME/ftpd, else ~/.local/share/ftpd",
              parsePath<&C::root>, printText<&C::root>},
    ConfigKey{"storage", "durability",
              "what a power cut spares of a put that was answered: full (file and name), file (the bytes), none",
              parseDurability, printDurability},
    ConfigKey{"storage", "min_free",
              "space on the disk that is never filled: what else lives there goes on when the files want it all",
              parseBytes<&C::minFree>, printBytes<&C::minFree>},
    ConfigKey{"storage", "part_expire", "how long the parts of cut transfers are kept for resuming",
              parseTime<&C::partExpire, 0>, printTime<&C::partExpire>},
    ConfigKey{"storage", "background_md5",
              "yes: take the MD5 of files that came with another digest, when nothing else is to be done",
              parseYesNo<&C::backgroundMd5>, printYesNo<&C::backgroundMd5>},
    ConfigKey{"storage", "file_mode", "permission bits of files whose put names none, in octal",
              parseMode<&C::fileMode, 0600>, printMode<&C::fileMode>},
    ConfigKey{"storage", "dir_mode", "permission bits of folders that are made, in octal",
              parseMode<&C::folderMode, 0700>, printMode<&C::folderMode>},
    ConfigKey{"log", "level", "least important events that are logged: trace, debug, info, warn, error", parseLogLevel,
              printLogLevel},
    ConfigKey{"log", "format", "text, or json for one JSON object a line", parseLogFormat, printLogFormat},
};

}  // namespace

std::span<const ConfigKey> configKeys() {
  static const std::vector<ConfigKey> kAll = [] {
    std::vector<ConfigKey> all(kKeys.begin(), kKeys.end());
    for (const std::span<const ConfigKey> more : {guardKeys(), tlsKeys(), loginKeys(), servicesKeys()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return kAll;
}

}  // namespace ft
