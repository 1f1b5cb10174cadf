#include "common/secret_input.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "common/error.h"
#include "common/escape.h"
#include "common/secret.h"
#include "common/unique_fd.h"

namespace ft {
namespace {

constexpr std::size_t kMostBytes = 4096;

[[noreturn]] void fail(const std::string& what, int error) {
  throw ConfigError(what + ": cannot be read: " + errorText(error));
}

// Typed instead of a secret: give up.
constexpr char kInterrupt = 3;

// Up to the end of the line (or kInterrupt, which then is its last byte) or of the input; byte by byte, because what
// follows may be for somebody else.
std::string readLine(int fd, const std::string& what, const InputWait& wait) {
  std::string line;
  // Room at once: a string that grows leaves copies behind.
  line.reserve(kMostBytes);
  for (;;) {
    char c = 0;
    wait(fd);
    const ssize_t size = ::read(fd, &c, 1);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size < 0) fail(what, errno);
    if (size == 0 || c == '\n') break;
    if (line.size() + 1 >= kMostBytes) {
      wipe(line);
      throw ConfigError(what + ": the line is too long");
    }
    line += c;
    if (c == kInterrupt) break;
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

// A terminal that goes away gives no secret, not an empty one.
std::string readTyped(int terminal) {
  const std::string what = "the terminal";
  pollfd gone{terminal, 0, 0};
  std::string line = readLine(terminal, what, waitForInput);
  if (!line.empty() || ::poll(&gone, 1, 0) == 0) return line;
  throw ConfigError(what + " has gone away");
}

std::string notEmpty(std::string secret, const std::string& what) {
  if (secret.empty()) throw ConfigError(what + ": the first line is empty");
  return secret;
}

// A terminal that does not show what is typed while it lives, also when the program is stopped from the keyboard
// meanwhile.
class SilentTerminal {
 public:
  explicit SilentTerminal(int fd) : fd_(fd) {
    sigset_t keyboard;
    sigemptyset(&keyboard);
    for (const int signal : {SIGINT, SIGQUIT, SIGTSTP, SIGTERM, SIGHUP}) sigaddset(&keyboard, signal);
    ::pthread_sigmask(SIG_BLOCK, &keyboard, &signals_);
    if (::tcgetattr(fd_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    // Signals stay off, and Ctrl-C arrives as a character that ends the line.
    silent.c_lflag &= ~static_cast<tcflag_t>(ISIG);
    silent.c_cc[VEOL] = kInterrupt;
    changed_ = ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    ::pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

 private:
  const int fd_;
  termios before_{};
  sigset_t signals_{};
  bool changed_ = false;
};

// False when the program is to end instead.
bool waitForTyping(int fd) {
  constexpr int kLookMs = 200;
  for (;;) {
    pollfd entry{fd, POLLIN, 0};
    if (::poll(&entry, 1, kLookMs) != 0) return true;
    sigset_t pending;
    ::sigpending(&pending);
    if (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGHUP) == 1) return false;
  }
}

void show(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

}  // namespace

void waitForInput(int fd) {
  pollfd entry{fd, POLLIN, 0};
  ::poll(&entry, 1, -1);
}

std::optional<std::string> askSecret(const std::string& question) {
  const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal) return std::nullopt;
  std::string secret;
  bool ended = false;
  {
    const SilentTerminal silent(terminal.get());
    show(terminal.get(), question);
    ended = !waitForTyping(terminal.get());
    if (!ended) secret = readTyped(terminal.get());
    show(terminal.get(), "\n");
  }
  if (ended) throw ConfigError("given up");
  if (!secret.ends_with(kInterrupt)) return secret;
  wipe(secret);
  ::raise(SIGINT);
  throw ConfigError("given up");
}

std::string secretFromFile(const std::string& path, const InputWait& wait) {
  const std::string what = escapeText(path);
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) fail(what, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) fail(what, errno);
  // Pipes and the like belong to who gave them.
  if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0) {
    throw ConfigError(what + ": users other than its owner can access it, and it holds a secret: chmod 600 " + what);
  }
  return notEmpty(readLine(fd.get(), what, wait), what);
}

std::string secretFromDescriptor(int fd, const InputWait& wait) {
  const std::string what = "descriptor " + std::to_string(fd);
  return notEmpty(readLine(fd, what, wait), what);
}

}  // namespace ft
