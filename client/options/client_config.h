#pragma once
// What the client's own configuration file says: $XDG_CONFIG_HOME/ftpc/config, else ~/.config/ftpc/config. A missing
// file is an empty one.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ft {

struct ClientConfig {
  std::string source;                             // the file, for messages
  std::map<std::string, int, std::less<>> lines;  // of each key that is there
  std::optional<std::string> server, retry, timeout, digest;
  std::optional<std::string> tls, ca, cert, key;
  std::optional<std::string> user, passwordFile, tokenFile, identity;

  // "FILE:LINE", escaped, of a key that is there.
  std::string place(std::string_view name) const;
};

// An environment variable, or nullopt. Injected, so that tests need no environment.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment processEnvironment();

// The path of the file; nullopt when the environment names no home.
std::optional<std::string> clientConfigPath(const Environment& environment);
// $XDG_STATE_HOME/ftpc/known_hosts, else ~/.local/state/ftpc/known_hosts; nullopt when the environment names no home.
std::optional<std::string> knownHostsPath(const Environment& environment);
// $XDG_CACHE_HOME/ftpc/digests, else ~/.cache/ftpc/digests; nullopt when the environment names no home.
std::optional<std::string> sourceDigestsPath(const Environment& environment);
// Throws ConfigError for a file that cannot be used, and for a key that is not known.
ClientConfig readClientConfig(const std::string& path);
ClientConfig parseClientConfig(const std::string& text, const std::string& source);
// Writes HOME for a ~ in front of a slash at the beginning of what are paths. Throws UsageError when there is none.
void expandHome(ClientConfig& config, const Environment& environment);

}  // namespace ft
