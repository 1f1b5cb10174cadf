#include <array>

#include "server/config/config.h"
#include "server/config/login_config.h"
#include "server/config/values.h"

namespace ft {
namespace {

constexpr std::size_t kMostHashes = 16;

std::string parseUsers(std::string_view text, ServerConfig& config) {
  if (text.starts_with('~')) return "a whole path: '~' is not expanded here";
  config.login.users = text;
  return "";
}

std::string parseLocal(std::string_view text, ServerConfig& config) {
  if (text == "auto") {
    config.login.local = LocalAccess::Auto;
  } else if (text == "open") {
    config.login.local = LocalAccess::Open;
  } else if (text == "login") {
    config.login.local = LocalAccess::Login;
  } else {
    return "auto, open or login";
  }
  return "";
}

std::string parseHashAtOnce(std::string_view text, ServerConfig& config) {
  return readCount(text, {1, kMostHashes}, config.login.hashAtOnce);
}

std::string printUsers(const ServerConfig& config) { return config.login.users; }

std::string printLocal(const ServerConfig& config) {
  switch (config.login.local) {
    case LocalAccess::Open: return "open";
    case LocalAccess::Login: return "login";
    case LocalAccess::Auto: break;
  }
  return "auto";
}

std::string printHashAtOnce(const ServerConfig& config) { return std::to_string(config.login.hashAtOnce); }

constexpr std::array kKeys{
    ConfigKey{"access", "users", "file of who may log in, made by `ftpd user`; empty: users in the state folder",
              parseUsers, printUsers},
    ConfigKey{"access", "local",
              "clients of this machine: auto (all is theirs while there are no accounts), open (always), login",
              parseLocal, printLocal},
    ConfigKey{"access", "hash_at_once", "passwords that are checked at the same time; each takes 19 MiB and a core",
              parseHashAtOnce, printHashAtOnce},
};

}  // namespace

std::span<const ConfigKey> loginKeys() { return kKeys; }

}  // namespace ft
