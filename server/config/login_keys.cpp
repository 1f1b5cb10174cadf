#include <array>

#include "server/config/key_tables.h"
#include "server/config/values.h"

namespace ft {
namespace {

constexpr std::size_t kMostHashes = 16;

std::string parseUsers(std::string_view text, ServerConfig& config) { return readPath(text, config.login.users); }

constexpr std::array kLocals{Word<LocalAccess>{"auto", LocalAccess::Auto}, Word<LocalAccess>{"open", LocalAccess::Open},
                             Word<LocalAccess>{"login", LocalAccess::Login}};

std::string parseLocal(std::string_view text, ServerConfig& config) {
  return readWord(text, kLocals, config.login.local);
}

std::string parseHashAtOnce(std::string_view text, ServerConfig& config) {
  return readCount(text, {1, kMostHashes}, config.login.hashAtOnce);
}

std::string printUsers(const ServerConfig& config) { return config.login.users; }

std::string printLocal(const ServerConfig& config) { return writeWord(kLocals, config.login.local); }

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
