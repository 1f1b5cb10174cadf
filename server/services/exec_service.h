#pragma once
// Commands over version 1 (`exec`): takes connections over from their sessions, and lets a thread of its own pool hand
// bytes on between the client and ftpd-exec. A connection stays here until it ends.

#include <Poco/ThreadPool.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "common/header.h"
#include "common/transport.h"
#include "server/access/identity.h"
#include "server/config/services_config.h"
#include "server/limits/connection_limits.h"
#include "server/limits/source_address.h"
#include "server/log/audit_log.h"
#include "server/log/log.h"
#include "server/services/exec_link.h"
#include "server/services/service.h"
#include "server/session/handed_over.h"

namespace ft {

// May this client ask for that? Throws Failure: Forbidden, NotFound, BadRequest. Arguments are ftpd-exec's business.
void checkExecRequest(const ExecSettings& settings, const SourceAddress& source, const Header& request,
                      bool entitled = false);

class ExecService {
 public:
  struct Options {
    std::chrono::milliseconds idleTimeout{300'000};
    std::chrono::milliseconds blockedTime{30'000};  // for a client that takes nothing of its output
  };

  // `config`, `link` and `log` must outlive it.
  ExecService(const ServicesConfig& config, const ExecLink& link, Log& log, Options options);
  ~ExecService();

  // Serves the connection until it ends, on a thread of the pool; refuses it when there are too many. Any thread.
  void take(HandedOver connection);
  // Commands that run may come to their end; then their connections are cut, and the commands end at once.
  void drain(const Patience& patience);
  // After drain(), when nobody calls take() any more.
  void stop();

 private:
  class Job;

  const ServicesConfig& config_;
  const ExecLink& link_;
  Log& log_;
  const Options options_;
  std::atomic<bool> draining_{false};
  std::mutex mutex_;
  std::condition_variable quiet_;
  std::set<int> open_;  // the clients' descriptors; under mutex_
  Poco::ThreadPool threads_;
};

}  // namespace ft
