#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "common/units.h"
#include "server/config/key_tables.h"
#include "server/config/values.h"

namespace ft {
namespace {

using C = ServerConfig;

// A slower rate would stop a body for longer than its sender waits.
constexpr std::uint64_t kLeastRate = 64 * 1024;
constexpr std::size_t kMostStartups = 1'000'000;

template <auto Member>
std::string parseRate(std::string_view text, ServerConfig& config) {
  const auto rate = parseSize(text);
  if (!rate || (*rate != 0 && *rate < kLeastRate)) return "0 for no limit, or a size like 10MiB, at least 64KiB";
  config.*Member = *rate;
  return "";
}

template <auto Member>
std::string printRate(const ServerConfig& config) {
  return writeSize(config.*Member);
}

std::string parseStartups(std::string_view text, ServerConfig& config) {
  constexpr const char* kExpected = "FROM:PERCENT:ALL like 100:30:1000, FROM at most ALL and PERCENT at most 100";
  const std::size_t first = text.find(':');
  const std::size_t second = text.find(':', std::min(first, text.size() - 1) + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return kExpected;
  const auto from = parseNumber(text.substr(0, first));
  const auto percent = parseNumber(text.substr(first + 1, second - first - 1));
  const auto all = parseNumber(text.substr(second + 1));
  if (!from || !percent || !all || *from > *all || *percent > 100 || *all == 0 || *all > kMostStartups)
    return kExpected;
  config.startups = {*from, *percent, *all};
  return "";
}

std::string printStartups(const ServerConfig& config) {
  const StartupLimit& limit = config.startups;
  return std::to_string(limit.from) + ":" + std::to_string(limit.percent) + ":" + std::to_string(limit.all);
}

std::string parseLoginTimeout(std::string_view text, ServerConfig& config) {
  return readTime(text, std::chrono::milliseconds(1), config.loginTimeout);
}

std::string printLoginTimeout(const ServerConfig& config) { return writeDuration(config.loginTimeout); }

std::string parseAuditFile(std::string_view text, ServerConfig& config) {
  if (!text.empty() && !text.starts_with('/')) return "a whole path, or nothing for the log";
  config.auditFile = text;
  return "";
}

std::string printAuditFile(const ServerConfig& config) { return config.auditFile; }

constexpr std::array kKeys{
    ConfigKey{"limits", "login_timeout",
              "time from a connection to its first request, TLS and log-in included; for clients of this machine that "
              "need no log-in, idle_timeout holds instead",
              parseLoginTimeout, printLoginTimeout},
    ConfigKey{
        "limits", "startups",
        "connections that have made no request yet: from FROM on, PERCENT of new ones are closed, from ALL on all",
        parseStartups, printStartups},
    ConfigKey{"limits", "rate", "bytes a second of all bodies together; 0: no limit", parseRate<&C::rate>,
              printRate<&C::rate>},
    ConfigKey{"limits", "rate_per_address", "bytes a second of one address (of IPv6, a /64); 0: no limit",
              parseRate<&C::ratePerAddress>, printRate<&C::ratePerAddress>},
    ConfigKey{"audit", "file", "file for one line a decision, as JSON; empty: the log", parseAuditFile, printAuditFile},
};

}  // namespace

std::span<const ConfigKey> guardKeys() { return kKeys; }

}  // namespace ft
