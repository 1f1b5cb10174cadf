#include "client/stop_request.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>

#include "client/failures.h"

namespace ft {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLongestLook = std::chrono::hours(1);

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

bool StopRequest::look(int fd, short events, milliseconds most) const {
  std::array fds{pollfd{fd, events, 0}, pollfd{signals_.get(), POLLIN, 0}};
  ::poll(fds.data(), fds.size(), static_cast<int>(std::min(most, kLongestLook).count()));
  if (fds[1].revents != 0) check();
  return fds[0].revents != 0;
}

void StopRequest::await(int fd, short events) const {
  while (!look(fd, events, milliseconds(-1))) continue;
}

bool StopRequest::awaitUntil(int fd, short events, Clock::time_point end) const {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
    if (left <= milliseconds(0)) return false;
    if (look(fd, events, left)) return true;
  }
}

void StopRequest::pause(milliseconds time) const { look(-1, 0, time); }

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
