#include "client/stop_request.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <array>

#include "client/exit_code.h"

namespace ft {
namespace {

sigset_t stopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  // nohup ignores SIGHUP, and means it.
  struct sigaction hangup {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void StopRequest::check() const {
  if (!signals_) return;
  sigset_t pending;
  sigemptyset(&pending);
  ::sigpending(&pending);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (sigismember(&pending, signal) == 1) throw Interrupted(signal);
  }
}

void StopRequest::await(int fd, short events) const {
  std::array fds{pollfd{fd, events, 0}, pollfd{signals_.get(), POLLIN, 0}};
  while (fds[0].revents == 0) {
    ::poll(fds.data(), fds.size(), -1);
    check();
  }
}

StopRequest stopOnSignals() {
  const sigset_t set = stopSignals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit fails, and is told as any other
  return StopRequest(UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)));
}

DefaultSignals::DefaultSignals() {
  const sigset_t set = stopSignals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, &previous_);
}

DefaultSignals::~DefaultSignals() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

}  // namespace ft
