#include "exec/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/escape.h"
#include "common/ini_file.h"

namespace ft {
namespace {

constexpr int kBacklog = 256;

class ParentListener : public ExecListener {
 public:
  explicit ParentListener(UniqueFd control) : control_(std::move(control)) {}
  int fd() const override { return control_.get(); }

  UniqueFd take(bool& closed) override {
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))]{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    const ssize_t n = ::recvmsg(control_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    closed = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    const cmsghdr* const part0 = n > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (part0 == nullptr || part0->cmsg_level != SOL_SOCKET || part0->cmsg_type != SCM_RIGHTS) return UniqueFd();
    int received = -1;
    std::memcpy(&received, CMSG_DATA(part0), sizeof received);
    return UniqueFd(received);
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

  UniqueFd take(bool& closed) override {
    closed = false;
    UniqueFd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) {
      closed = errno == EBADF || errno == EINVAL;
      return connection;
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known = ::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (known && std::find(allowed_.begin(), allowed_.end(), peer.uid) != allowed_.end()) return connection;
    std::fprintf(stderr, "ftpd-exec: refused a connection of user %u\n", known ? peer.uid : 0U);
    return UniqueFd();
  }

  void ready() override {}

 private:
  UniqueFd socket_;
  const std::vector<uid_t> allowed_;
};

}  // namespace

std::unique_ptr<ExecListener> makeParentListener(UniqueFd control) {
  return std::make_unique<ParentListener>(std::move(control));
}

std::unique_ptr<ExecListener> makeSocketListener(UniqueFd listener, std::vector<uid_t> allowed) {
  return std::make_unique<SocketListener>(std::move(listener), std::move(allowed));
}

UniqueFd listenAt(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string shown = "exec.socket: " + escapeText(path, 200);
  if (path.size() >= sizeof address.sun_path) throw ConfigError(shown + " is too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path.c_str());
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  if (!listener || ::bind(listener.get(), name, sizeof address) != 0 || ::listen(listener.get(), kBacklog) != 0) {
    throw ConfigError(shown + ": cannot listen there: " + std::string(::strerrordesc_np(errno)));
  }
  // Who connects is checked by the kernel's word and not by the file's mode.
  ::chmod(path.c_str(), 0666);
  return listener;
}

}  // namespace ft
