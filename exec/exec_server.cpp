#include "exec/exec_server.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>

#include "common/error.h"
#include "common/header.h"
#include "exec/exec_session.h"
#include "exec/exec_user.h"
#include "exec/process_tree.h"

namespace ft {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Longer than a keeper needs to end a command.
constexpr milliseconds kEndTime{3000};
// How long a listener is left alone for which there was no descriptor.
constexpr milliseconds kExhaustedTime{100};

UniqueFd watchSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  UniqueFd signals;
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) == 0) signals.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) throw ConfigError("signals cannot be watched: " + errorText(errno));
  return signals;
}

void refuseBusy(const UniqueFd& session) {
  Header reply;
  reply.cmd = "exec";
  reply.ok = false;
  reply.error = std::string(errorName(ErrorCode::Busy));
  reply.message = "too many command sessions (exec.sessions)";
  std::string frame;
  appendFrame(frame, reply);
  ::send(session.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

ExecServer::ExecServer(ExecSettings settings, std::unique_ptr<ExecListener> listener)
    : settings_(std::move(settings)),
      user_(findExecUser(settings_.user)),
      listener_(std::move(listener)),
      signals_(watchSignals()) {
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int ExecServer::run() {
  if (user_.uid == 0)
    std::fprintf(stderr, "ftpd-exec: warning: commands run as root; set [exec] user to run them as another user\n");
  listener_->ready();
  while (!over_) {
    const auto pause = std::chrono::ceil<milliseconds>(resumed_ - Clock::now());
    const bool paused = pause.count() > 0;
    std::array<pollfd, 2> entries{pollfd{paused ? -1 : listener_->fd(), POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
    ::poll(entries.data(), entries.size(), paused ? static_cast<int>(pause.count()) : -1);
    if (entries[1].revents != 0) reap();
    if (!over_ && entries[0].revents != 0) admit();
  }
  endAll();
  return 0;
}

void ExecServer::admit() {
  Taken taken = listener_->take();
  over_ = taken.closed;
  if (taken.exhausted) resumed_ = Clock::now() + kExhaustedTime;
  if (!taken.session) return;
  if (keepers_.size() >= settings_.sessions) {
    refuseBusy(taken.session);
    return;
  }
  const pid_t server = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) keep(std::move(taken.session), server);
  if (pid > 0) keepers_.insert(pid);
  if (pid < 0) refuseBusy(taken.session);
}

// In the keeper.
void ExecServer::keep(UniqueFd session, pid_t server) {
  listener_.reset();
  int code = 1;
  try {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (becomeUser(user_)) {
      // Changing the user clears it, so not before. A parent that is gone already sends no signal any more.
      if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || ::getppid() != server) ::_exit(1);
      // An unreachable home leaves the session at the root of the file system.
      if (::chdir(user_.home.c_str()) != 0 && ::chdir("/") != 0) ::_exit(1);
      ExecSession(settings_, user_, std::move(session), signals_.get()).run();
      code = 0;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ftpd-exec: session ended: %s\n", error.what());
  }
  ::_exit(code);
}

void ExecServer::reap() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) over_ = true;
  }
  bool orphans = false;
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
    orphans |= keepers_.erase(pid) == 0 || WIFSIGNALED(status);
  }
  // A keeper that was killed leaves its command to us.
  if (orphans) killChildren(isKeeper, this);
}

bool ExecServer::isKeeper(pid_t pid, const void* server) {
  return static_cast<const ExecServer*>(server)->keepers_.contains(pid);
}

void ExecServer::endAll() {
  listener_.reset();
  for (const pid_t keeper : keepers_) ::kill(keeper, SIGTERM);
  const auto end = Clock::now() + kEndTime;
  while (!keepers_.empty() && Clock::now() < end) {
    reap();
    std::this_thread::sleep_for(milliseconds(2));
  }
  std::optional<int> status;
  for (const pid_t keeper : keepers_) ::kill(keeper, SIGKILL);
  killChildren(nullptr, nullptr);
  reapDescendants(-1, status);
}

}  // namespace ft
