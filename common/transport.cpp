#include "common/transport.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "common/error.h"

namespace ft {
namespace {

TransportError::Kind kindOf(int error) {
  switch (error) {
    case ECONNRESET:
    case ECONNABORTED: return TransportError::Kind::Reset;
    case EPIPE:
    case ENOTCONN:
    case ESHUTDOWN: return TransportError::Kind::Closed;
    case ETIMEDOUT: return TransportError::Kind::Timeout;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN: return TransportError::Kind::Unreachable;
    default: return TransportError::Kind::Other;
  }
}

[[noreturn]] void throwTransportError(int error, const std::string& what) {
  throw TransportError(kindOf(error), what + ": " + errorText(error));
}

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(UniqueFd socket) : socket_(std::move(socket)) {}

  IoResult read(std::span<std::byte> into) override { return readSocket(socket_.get(), into); }
  IoResult write(std::span<const std::byte> bytes) override { return writeSocket(socket_.get(), bytes); }
  void shutdownWrite() noexcept override { ::shutdown(socket_.get(), SHUT_WR); }
  int fd() const noexcept override { return socket_.get(); }
  int rawFd() const noexcept override { return socket_.get(); }

 private:
  UniqueFd socket_;
};

}  // namespace

void prepareSocket(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    throwTransportError(errno, "the connection cannot be made non-blocking");
  }
  // A Unix socket has no such option, and a TCP socket that refuses it is only slower.
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

IoResult readSocket(int fd, std::span<std::byte> into) {
  for (;;) {
    const ssize_t n = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
    if (n > 0) return {IoResult::Status::Done, static_cast<std::size_t>(n)};
    if (n == 0) return {IoResult::Status::End, 0};
    if (errno == EAGAIN) return {IoResult::Status::WouldBlockRead, 0};
    if (errno != EINTR) throwTransportError(errno, "reading from the connection failed");
  }
}

IoResult writeSocket(int fd, std::span<const std::byte> bytes) {
  for (;;) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) return {IoResult::Status::Done, static_cast<std::size_t>(n)};
    if (errno == EAGAIN) return {IoResult::Status::WouldBlockWrite, 0};
    if (errno != EINTR) throwTransportError(errno, "writing to the connection failed");
  }
}

std::unique_ptr<Transport> makePlainTransport(UniqueFd socket) {
  prepareSocket(socket.get());
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace ft
