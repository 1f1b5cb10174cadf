#include "server/services/exec_link.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <thread>

#include "common/descriptor_passing.h"
#include "common/error.h"
#include "common/escape.h"

namespace ft {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kStartTime{10'000};
constexpr milliseconds kStep{2};
// The numbers that the started program's descriptors have.
constexpr int kControlFd = 3;
constexpr int kSettingsFd = 4;

[[noreturn]] void throwErrno(const std::string& what) { throw ConfigError(what + ": " + errorText(errno)); }

std::string besideThisProgram() {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t size = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  const std::string path(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return path.substr(0, path.rfind('/') + 1) + "ftpd-exec";
}

std::string iniLine(const std::string& key, const std::string& value) { return key + " = \"" + value + "\"\n"; }

// The settings in effect, for ftpd-exec to read: where they came from does not matter to it.
std::string settingsText(const ServicesConfig& config) {
  std::string text = "[storage]\n" + iniLine("root", config.exec.root);
  if (!config.plainExec.listen.empty()) text += "[plain-exec]\n" + iniLine("listen", config.plainExec.listen);
  for (const IniEntry& entry : config.execEntries)
    text += "[" + entry.section + "]\n" + iniLine(entry.key, entry.value);
  return text;
}

UniqueFd settingsFile(const ServicesConfig& config) {
  UniqueFd file(::memfd_create("ftpd-exec settings", MFD_CLOEXEC));
  const std::string text = settingsText(config);
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throwErrno("the settings of ftpd-exec cannot be handed on");
  }
  return file;
}

// In the child: becomes ftpd-exec with the two descriptors, and nothing else of ours.
[[noreturn]] void becomeProgram(const char* path, int control, int settings) {
  ::setsid();
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Out of the way first: they may have each other's number.
  const int highControl = ::fcntl(control, F_DUPFD, kSettingsFd + 1);
  const int highSettings = ::fcntl(settings, F_DUPFD, kSettingsFd + 1);
  const int null = ::open("/dev/null", O_RDWR);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  if (null >= 0) ::dup2(null, STDOUT_FILENO);
  if (::dup2(highControl, kControlFd) < 0 || ::dup2(highSettings, kSettingsFd) < 0) ::_exit(126);
  ::close_range(kSettingsFd + 1, ~0U, 0);
  ::execl(path, "ftpd-exec", "--control", "3", "--config", "/dev/fd/4", nullptr);
  ::_exit(127);
}

Failure unreachable(int error) {
  return Failure(ErrorCode::IoError,
                 "the program that runs commands, ftpd-exec, cannot be reached: " + errorText(error));
}

void checkPeer(const UniqueFd& connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  // A socket that systemd made belongs to root, whoever serves it.
  if (known && (peer.uid == 0 || peer.uid == ::geteuid())) return;
  throw Failure(ErrorCode::IoError, "the socket of ftpd-exec (exec.socket) belongs to another user");
}

UniqueFd connectTo(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw unreachable(ENAMETOOLONG);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  if (!connection || ::connect(connection.get(), name, sizeof address) != 0) throw unreachable(errno);
  checkPeer(connection);
  return connection;
}

bool endsUntil(pid_t child, Clock::time_point end) {
  for (;;) {
    const pid_t ended = ::waitpid(child, nullptr, WNOHANG);
    if (ended != 0 && !(ended < 0 && errno == EINTR)) return true;
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(kStep);
  }
}

}  // namespace

bool awaitEnd(pid_t child, const EndTimes& times, int (*kill)(pid_t, int)) {
  if (endsUntil(child, Clock::now() + times.own)) return true;
  return kill(child, SIGKILL) == 0 && endsUntil(child, Clock::now() + times.killed);
}

ExecLink::ExecLink(const ServicesConfig& config, Log& log) : socket_(config.exec.socket), log_(log) {
  if (!socket_.empty()) return;
  startProgram(config);
  try {
    awaitReady();
  } catch (...) {
    end();
    throw;
  }
}

void ExecLink::startProgram(const ServicesConfig& config) {
  const std::string path = config.exec.program.empty() ? besideThisProgram() : config.exec.program;
  if (::access(path.c_str(), X_OK) != 0) throwErrno("ftpd-exec (exec.program), " + escapeText(path, 200));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throwErrno("a way to ftpd-exec");
  control_.reset(ends[0]);
  const UniqueFd theirs(ends[1]);
  const UniqueFd settings = settingsFile(config);
  pid_ = ::fork();
  if (pid_ == 0) becomeProgram(path.c_str(), theirs.get(), settings.get());
  if (pid_ < 0) throwErrno("ftpd-exec cannot be started");
}

// Not in startProgram(): our copy of the other end must be closed, so that a program that ends at once is noticed.
void ExecLink::awaitReady() {
  const auto end = Clock::now() + kStartTime;
  int ready = -1;
  do {
    pollfd entry{control_.get(), POLLIN, 0};
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
    ready = ::poll(&entry, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
  } while (ready < 0 && errno == EINTR);
  char byte = 0;
  if (ready > 0 && ::recv(control_.get(), &byte, 1, MSG_DONTWAIT) == 1) return;
  throw ConfigError("ftpd-exec did not start; see its message above (exec.program, exec.user)");
}

ExecLink::~ExecLink() { end(); }

void ExecLink::end() {
  if (pid_ < 0) return;
  control_.reset();
  if (!awaitEnd(pid_, {})) {
    log_.event(LogLevel::Error, "exec-left",
               {{"pid", pid_}, {"reason", "ftpd-exec does not end, and it cannot be killed"}});
  }
  pid_ = -1;
}

UniqueFd ExecLink::connect() const {
  if (!socket_.empty()) return connectTo(socket_);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw unreachable(errno);
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  if (!sendDescriptor(control_.get(), theirs.get())) throw unreachable(errno);
  return ours;
}

}  // namespace ft
