#pragma once
// All roots of the daemon, the rules, and what is counted of each user. Hands out the storage as an identity may see
// it.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/access/chores.h"
#include "server/access/gate.h"
#include "server/access/identity.h"
#include "server/config/config.h"
#include "server/limits/rate_limit.h"
#include "server/log/log.h"
#include "server/storage/disk_storage.h"
#include "server/storage/storage.h"

namespace ft {

class TenancyState;

// Any thread may call it, but for reload() and expire(), which one thread calls.
class Tenancy {
 public:
  // Opens every root. Throws std::runtime_error or ConfigError that names the root.
  Tenancy(const ServerConfig& config, Log& log);
  ~Tenancy();

  // The storage as this identity sees it; must not outlive the tenancy. It counts as one of the user's connections
  // while it lives. Names are the identity's own (below its home), in messages too. Rules that are reloaded hold for
  // views that exist. For Local on a single root without quotas this is the disk storage itself. Throws Failure(Busy)
  // when the user has its number of connections.
  std::shared_ptr<Storage> view(const Identity& identity);
  // The gate as of now, for what is not a file (Verb::Exec at the root).
  std::shared_ptr<const Gate> gate(const Identity& identity) const;
  // What all connections of the user share (Session::limitBy); follows the rules that are reloaded. Null for who is no
  // user.
  std::shared_ptr<RateBucket> rateOf(const Identity& identity) const;
  // Has the configuration written down what may be done without log-in ([user anonymous])?
  bool servesAnonymous() const;

  // Takes the rules of a new configuration. Throws ConfigError, and keeps what was, when roots have come, gone or
  // moved: that needs a restart.
  void reload(const ServerConfig& config);
  // Removes expired parts, and files over their root's max_age. To be called about once a second; does little most
  // times, and works for about half a second at most: what is left is for the next calls. What fails is logged, and
  // tried again later.
  void expire();

 private:
  void openHomes();
  std::vector<Chore> chores() const;

  Log& log_;
  const std::shared_ptr<TenancyState> state_;
  const std::string storageRoot_;
  const std::chrono::milliseconds partsPause_;
  Chores chores_;
};

// The folders that the daemon serves files from, as configured.
std::vector<std::string> rootPaths(const ServerConfig& config);

}  // namespace ft
