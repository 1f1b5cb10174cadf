#pragma once
// The daemon as a whole: wires storage and services together from a configuration, says when it is ready, serves until
// a signal, and drains. One thread (the main one) owns it.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "server/access/authenticator.h"
#include "server/access/tenancy.h"
#include "server/config/config.h"
#include "server/limits/rate_limit.h"
#include "server/log/audit_log.h"
#include "server/log/log.h"
#include "server/network/server_tls.h"
#include "server/sandbox/sandbox.h"
#include "server/services/exec_link.h"
#include "server/services/exec_service.h"
#include "server/services/services.h"
#include "server/session/transfer_service.h"
#include "server/upkeep.h"

namespace ft {

class Daemon {
 public:
  // Opens the root and binds every address. Throws ConfigError or another std::exception that says what is wrong;
  // nothing is left half-started.
  Daemon(const ServerConfig& config, Log& log, Upkeep::Reread reread = nullptr);
  ~Daemon();

  // Starts serving, writes one ready line for each listener to standard output, tells the service supervisor, and
  // returns after SIGTERM or SIGINT and the drain that follows. A second such signal ends the drain at once.
  void serve();

  // Blocks the signals that serve() waits for; to be called before any thread is started.
  static void blockSignals();

 private:
  void announce();
  // The signal that ends serving.
  int waitForSignal();
  void drain();
  void drainAll(const std::atomic<bool>& hurry);

  const ServerConfig config_;
  Log& log_;
  // First of all: it forks, which a process with threads must not.
  std::unique_ptr<ExecLink> execLink_;
  Sandbox sandbox_;
  std::unique_ptr<AuditLog> audit_;
  RateLimits rates_;
  std::unique_ptr<Tenancy> tenancy_;
  std::shared_ptr<Storage> localView_;  // of who needs no log-in
  std::unique_ptr<Authenticator> access_;
  std::unique_ptr<ServerTls> tls_;  // null: not spoken
  std::unique_ptr<Upkeep> upkeep_;
  std::unique_ptr<ExecService> exec_;
  std::unique_ptr<TransferService> transfer_;
  std::unique_ptr<Services> services_;
};

// Raises the limit of open descriptors as far as permitted, and returns it.
std::size_t raiseDescriptorLimit();
// `configured`, or for 0 the most that the descriptor limit allows, up to 12,000.
std::size_t connectionLimit(std::size_t configured, std::size_t descriptors);

}  // namespace ft
