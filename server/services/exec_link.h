#pragma once
// The way to ftpd-exec, the program that runs commands: the daemon itself never executes anything once it serves.
// Either ftpd starts ftpd-exec (before it has threads and before it locks itself down) and reaches it over a socket
// pair that nobody else has; or systemd does, and it is reached over a Unix socket.

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "server/config/services_config.h"
#include "server/log/log.h"

namespace ft {

class ExecLink {
 public:
  // Starts ftpd-exec unless a socket is configured, and waits until it is ready. The process must have no second thread
  // yet. Throws ConfigError, also when ftpd-exec does not start. `log` must outlive it.
  ExecLink(const ServicesConfig& config, Log& log);
  // Ends ftpd-exec, if it was started here, and all its commands.
  ~ExecLink();
  ExecLink(const ExecLink&) = delete;
  ExecLink& operator=(const ExecLink&) = delete;

  // A new session: frames of version 1 with `exec` (PROTOCOL.md). Throws Failure when ftpd-exec cannot be reached. Any
  // thread.
  UniqueFd connect() const;

 private:
  void startProgram(const ServicesConfig& config);
  void awaitReady();
  void end();

  const std::string socket_;
  Log& log_;
  UniqueFd control_;
  pid_t pid_ = -1;
};

// How long a child may take to end: by itself, and once it was killed.
struct EndTimes {
  std::chrono::milliseconds own{4000};
  std::chrono::milliseconds killed{1000};
};

// Waits for the end of a child, and reaps it. False when it is still there: it may not be killed by this process (which
// has become another user meanwhile, say), or the kernel holds it.
bool awaitEnd(pid_t child, const EndTimes& times, int (*kill)(pid_t, int) = ::kill);

}  // namespace ft
