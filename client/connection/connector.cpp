#include "client/connection/connector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/connection/resolver.h"
#include "common/error.h"
#include "common/escape.h"

namespace ft {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kQueuePause{20};

[[noreturn]] void unreachable(const ServerAddress& address, const std::string& reason) {
  throw TransportError(TransportError::Kind::Unreachable, "no daemon at " + escapeText(address.text()) + ": " + reason);
}

// Waits until the connect has ended, one way or the other; its errno, or nullopt on the deadline.
std::optional<int> awaitConnect(int fd, Clock::time_point deadline, const StopRequest& stop) {
  if (!stop.awaitUntil(fd, POLLOUT, deadline)) return std::nullopt;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

// The socket, or an empty one with the reason.
UniqueFd tryAddress(const Endpoint& address, Clock::time_point deadline, const StopRequest& stop, std::string& reason) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  std::optional<int> error;
  if (!fd || (::connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS)) {
    error = errno;
  } else {
    error = awaitConnect(fd.get(), deadline, stop);
  }
  if (error == 0) return fd;
  reason = error ? errorText(*error) : "no answer";
  return {};
}

// The kernel asks whether the peer is there after half of `timeout`, and gives it up when nothing has come for all of
// it.
void noticeDeadPeer(int fd, milliseconds timeout) {
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  const auto limit = static_cast<int>(std::clamp<std::int64_t>(timeout.count(), 1'000, 3'600'000));
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
  const int idle = std::max(1, limit / 2'000);
  const int interval = std::max(1, limit / 4'000);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
}

UniqueFd connectUnix(const ServerAddress& server, milliseconds timeout, const StopRequest& stop) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, server.path.c_str(), std::min(server.path.size(), sizeof address.sun_path - 1));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) unreachable(server, errorText(errno));
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  const auto deadline = Clock::now() + timeout;
  while (::connect(fd.get(), name, sizeof address) != 0) {
    if (errno != EAGAIN) unreachable(server, errorText(errno));
    if (Clock::now() >= deadline) unreachable(server, "no answer");
    // The daemon's queue is full, and no descriptor tells when it no longer is.
    stop.pause(kQueuePause);
  }
  return fd;
}

}  // namespace

UniqueFd connectTo(const ServerAddress& address, milliseconds timeout, const StopRequest& stop) {
  if (!address.path.empty()) return connectUnix(address, timeout, stop);
  const std::vector<Endpoint> addresses = resolve(address, stop);
  auto left = static_cast<std::int64_t>(addresses.size());
  const auto end = Clock::now() + timeout;
  std::string reason;
  for (const Endpoint& one : addresses) {
    const auto now = Clock::now();
    UniqueFd fd = tryAddress(one, now + (end - now) / left--, stop, reason);
    if (!fd) continue;
    noticeDeadPeer(fd.get(), timeout);
    return fd;
  }
  unreachable(address, reason);
}

bool staysHere(int connected) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(connected, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return false;
  if (peer.ss_family == AF_UNIX) return true;
  if (peer.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == IN_LOOPBACKNET);
}

}  // namespace ft
