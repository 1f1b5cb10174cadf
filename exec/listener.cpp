#include "exec/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "common/descriptor_passing.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/socket_path.h"

namespace ft {
namespace {

constexpr int kBacklog = 256;

class ParentListener : public ExecListener {
 public:
  explicit ParentListener(UniqueFd control) : control_(std::move(control)) {}
  int fd() const override { return control_.get(); }

  Taken take() override {
    ReceivedDescriptor received = receiveDescriptor(control_.get());
    Taken taken;
    taken.session = std::move(received.fd);
    taken.closed = received.closed;
    return taken;
  }

  void ready() override {
    // If ftpd is gone already, take() will find it out.
    const char byte = 'r';
    ::send(control_.get(), &byte, 1, MSG_NOSIGNAL);
  }

 private:
  UniqueFd control_;
};

class SocketListener : public ExecListener {
 public:
  SocketListener(UniqueFd listener, std::vector<uid_t> allowed)
      : socket_(std::move(listener)), allowed_(std::move(allowed)) {}
  int fd() const override { return socket_.get(); }

  Taken take() override {
    Taken taken;
    UniqueFd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) {
      taken.closed = errno == EBADF || errno == EINVAL;
      taken.exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      return taken;
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known = ::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (known && std::find(allowed_.begin(), allowed_.end(), peer.uid) != allowed_.end()) {
      taken.session = std::move(connection);
    } else {
      std::fprintf(stderr, "ftpd-exec: refused a connection of user %s\n",
                   known ? std::to_string(peer.uid).c_str() : "?");
    }
    return taken;
  }

  void ready() override {}

 private:
  UniqueFd socket_;
  const std::vector<uid_t> allowed_;
};

[[noreturn]] void throwErrno(const std::string& what) { throw ConfigError(what + ": " + errorText(errno)); }

// nullopt for what is no number.
std::optional<pid_t> numberOf(const char* text) {
  const char* const end = text + std::strlen(text);
  pid_t number = 0;
  const auto [next, error] = std::from_chars(text, end, number);
  return error == std::errc() && next == end ? std::optional(number) : std::nullopt;
}

int optionOf(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

std::unique_ptr<ExecListener> makeParentListener(UniqueFd control) {
  return std::make_unique<ParentListener>(std::move(control));
}

std::unique_ptr<ExecListener> makeSocketListener(UniqueFd listener, std::vector<uid_t> allowed) {
  // Who made poll() report the listener may be gone when it is accepted.
  const int flags = ::fcntl(listener.get(), F_GETFL);
  if (flags < 0 || ::fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK) != 0) throwErrno("the listening socket");
  return std::make_unique<SocketListener>(std::move(listener), std::move(allowed));
}

UniqueFd listenAt(const std::string& path) {
  const std::string shown = "exec.socket: cannot listen on " + escapeText(path, 200);
  if (const auto obstacle = clearSocketPath(path)) throw ConfigError(shown + ": " + *obstacle);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  // Who connects is checked by the kernel's word and not by the file's mode.
  if (!listener || ::bind(listener.get(), name, sizeof address) != 0 || ::chmod(path.c_str(), 0666) != 0 ||
      ::listen(listener.get(), kBacklog) != 0) {
    throwErrno(shown);
  }
  return listener;
}

UniqueFd passedListener(const char* count, const char* owner, int fd) {
  if (count == nullptr || owner == nullptr || numberOf(owner) != ::getpid()) return UniqueFd();
  if (numberOf(count) != 1) throw ConfigError("systemd has to pass one socket, not '" + escapeText(count, 20) + "'");
  const bool listens =
      optionOf(fd, SO_DOMAIN) == AF_UNIX && optionOf(fd, SO_TYPE) == SOCK_STREAM && optionOf(fd, SO_ACCEPTCONN) == 1;
  if (!listens) throw ConfigError("what systemd has passed is not a listening Unix socket");
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) throwErrno("the listening socket");
  return UniqueFd(fd);
}

}  // namespace ft
