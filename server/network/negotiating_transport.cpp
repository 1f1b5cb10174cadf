#include "server/network/negotiating_transport.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "common/error.h"
#include "common/tls_transport.h"

namespace ft {
namespace {

// A record of TLS that begins a handshake: 22, 3, 1 to 4. As a frame's length it would be over 65,536, so it is never
// one.
constexpr std::size_t kTold = 3;
constexpr unsigned char kHandshake = 0x16;
constexpr unsigned char kMajor = 0x03;
constexpr unsigned char kLeastMinor = 0x01;
constexpr unsigned char kMostMinor = 0x04;

using First = std::array<unsigned char, kTold>;

// nullopt: more bytes are needed.
std::optional<bool> isTls(const First& bytes, std::size_t count) {
  if (bytes[0] != kHandshake) return false;
  if (count < 2) return std::nullopt;
  if (bytes[1] != kMajor) return false;
  if (count < kTold) return std::nullopt;
  return bytes[2] >= kLeastMinor && bytes[2] <= kMostMinor;
}

// What has been refused says nothing more: its bytes are thrown away, so that closing does not destroy the refusal on
// its way.
class RefusedTransport final : public Transport {
 public:
  RefusedTransport(UniqueFd socket, const std::string& refusal) : socket_(std::move(socket)) {
    ::send(socket_.get(), refusal.data(), refusal.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::shutdown(socket_.get(), SHUT_WR);
  }

  IoResult read(std::span<std::byte> into) override {
    while (thrown_ < kMostThrown) {
      const ssize_t n = ::recv(socket_.get(), into.data(), into.size(), MSG_DONTWAIT);
      if (n > 0) {
        thrown_ += static_cast<std::size_t>(n);
        continue;
      }
      if (n < 0 && errno == EAGAIN) return {IoResult::Status::WouldBlockRead, 0};
      if (n == 0 || errno != EINTR) break;
    }
    return {IoResult::Status::End, 0};
  }
  IoResult write(std::span<const std::byte>) override {
    throw TransportError(TransportError::Kind::Closed, "the connection was refused");
  }
  void shutdownWrite() noexcept override {}
  int fd() const noexcept override { return socket_.get(); }
  int rawFd() const noexcept override { return -1; }

 private:
  static constexpr std::size_t kMostThrown = 4 * 1024 * 1024;

  UniqueFd socket_;
  std::size_t thrown_ = 0;
};

// Most lines are plain, and wait most of the time: those need no second object.
class NegotiatingTransport final : public Transport {
 public:
  NegotiatingTransport(UniqueFd socket, const LinePolicy& policy)
      : policy_(policy), fd_(socket.get()), socket_(std::move(socket)) {
    prepareSocket(fd_);
  }

  IoResult read(std::span<std::byte> into) override {
    if (!plain_ && !line_) {
      if (const auto status = decide()) return {*status, 0};
    }
    return line_ ? line_->read(into) : readSocket(fd_, into);
  }
  // The daemon speaks first only to end a line that has not said what it is.
  IoResult write(std::span<const std::byte> bytes) override {
    return line_ ? line_->write(bytes) : writeSocket(fd_, bytes);
  }
  void shutdownWrite() noexcept override {
    if (line_) {
      line_->shutdownWrite();
    } else if (plain_) {
      ::shutdown(fd_, SHUT_WR);
    }
  }
  int fd() const noexcept override { return fd_; }
  int rawFd() const noexcept override {
    if (plain_) return fd_;
    return line_ ? line_->rawFd() : -1;
  }
  int sendFd() const noexcept override { return line_ ? line_->sendFd() : rawFd(); }
  std::size_t buffered() const noexcept override { return line_ ? line_->buffered() : 0; }
  bool established() const noexcept override { return !line_ || line_->established(); }
  const LineSecurity* security() const noexcept override { return line_ ? line_->security() : nullptr; }

 private:
  // nullopt once it is known what the line is.
  std::optional<IoResult::Status> decide() {
    First bytes{};
    const ssize_t n = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
    if (n == 0) return IoResult::Status::End;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return IoResult::Status::WouldBlockRead;
    if (n < 0) {
      const auto kind = errno == ECONNRESET ? TransportError::Kind::Reset : TransportError::Kind::Other;
      throw TransportError(kind, "reading from the connection failed: " + errorText(errno));
    }
    const auto tls = isTls(bytes, static_cast<std::size_t>(n));
    if (!tls) {
      if (hasEnded()) return IoResult::Status::End;
      // The bytes stay in the socket, which must not wake anyone again before there are enough.
      wakeAt(static_cast<int>(kTold));
      patient_ = true;
      return IoResult::Status::WouldBlockRead;
    }
    if (patient_) wakeAt(1);
    begin(*tls);
    return std::nullopt;
  }

  void begin(bool tls) {
    const std::string& refusal = tls ? policy_.tlsRefusal : policy_.plainRefusal;
    if (!refusal.empty()) {
      line_ = std::make_unique<RefusedTransport>(std::move(socket_), refusal);
    } else if (tls) {
      line_ = std::make_unique<TlsTransport>(std::move(socket_), policy_.tls(), TlsSide::Server);
    } else {
      plain_ = true;
    }
  }

  // Nothing more will come after what is there.
  bool hasEnded() const {
    pollfd end{socket_.get(), POLLRDHUP, 0};
    return ::poll(&end, 1, 0) != 0;
  }

  void wakeAt(int bytes) { ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes); }

  const LinePolicy& policy_;
  std::unique_ptr<Transport> line_;  // what it has become, when that is not plain; it has the socket then
  const int fd_;                     // asked by other threads too
  UniqueFd socket_;
  bool plain_ = false;
  bool patient_ = false;
};

}  // namespace

std::unique_ptr<Transport> makeNegotiatingTransport(UniqueFd socket, const LinePolicy& policy) {
  return std::make_unique<NegotiatingTransport>(std::move(socket), policy);
}

}  // namespace ft
