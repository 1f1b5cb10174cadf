#pragma once
// The main process of ftpd-exec: takes sessions from its listener, gives each a process of its own (its keeper), and
// ends all of them when the listener is closed or on SIGTERM. Single-threaded, so that it may fork.

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <set>

#include "common/exec_settings.h"
#include "exec/command_line.h"
#include "exec/listener.h"

namespace ft {

class ExecServer {
 public:
  // Throws ConfigError when the user does not exist or cannot be become, or the kernel denies what is needed.
  ExecServer(ExecSettings settings, std::unique_ptr<ExecListener> listener);
  // Until the end. The exit code of the program.
  int run();

 private:
  void admit();
  [[noreturn]] void keep(UniqueFd session, pid_t server);
  void reap();
  void endAll();
  static bool isKeeper(pid_t pid, const void* server);

  const ExecSettings settings_;
  const ExecUser user_;
  std::unique_ptr<ExecListener> listener_;
  UniqueFd signals_;
  std::set<pid_t> keepers_;
  std::chrono::steady_clock::time_point resumed_;  // until then nobody is taken: there were no descriptors
  bool over_ = false;
};

}  // namespace ft
