#pragma once
// TLS as a transport: OpenSSL over a non-blocking socket. With kernelTls in the context, the program must ignore
// SIGPIPE. The handshake happens inside the first reads and writes, or by handshake().
// A line that ends without TLS's own goodbye is an error, never an end: nobody can cut a body short unnoticed.

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "common/tls_context.h"
#include "common/tls_socket.h"
#include "common/transport.h"

struct ssl_st;

namespace ft {

class TlsTransport final : public Transport {
 public:
  // Takes the socket and prepares it. Throws TlsError, TransportError.
  TlsTransport(UniqueFd socket, const TlsContext& context, TlsSide side);
  // Says goodbye if the line takes it at once.
  ~TlsTransport() override;

  // For what is set before the handshake (name, session) or asked after it. Owned by this.
  ssl_st* ssl() const { return ssl_.get(); }
  // Goes on with the handshake; Done once the line is encrypted. Throws TlsError when the two cannot agree,
  // TransportError when the line breaks.
  IoResult::Status handshake();
  // What the other side sent first, until the handshake is done.
  const std::string& firstBytes() const { return socket_.first(); }

  IoResult read(std::span<std::byte> into) override;
  // While it has not reported bytes as written, the caller must offer the same bytes again, in front of any others.
  IoResult write(std::span<const std::byte> bytes) override;
  void shutdownWrite() noexcept override;
  int fd() const noexcept override { return socket_.fd(); }
  int rawFd() const noexcept override { return -1; }
  int sendFd() const noexcept override { return kernelSends_ ? socket_.fd() : -1; }
  std::size_t buffered() const noexcept override;
  bool established() const noexcept override { return ready_; }
  const LineSecurity* security() const noexcept override { return ready_ ? &security_ : nullptr; }

 private:
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  // Plain bytes that were encrypted, and where their record ends in what was given to the socket.
  struct Record {
    std::size_t plain;
    std::size_t end;
  };

  // What to wait for, or End; throws for everything that is no waiting.
  IoResult::Status statusOf(int result);
  [[noreturn]] void fail(int error);
  void settle();
  void postpone(int result);
  std::size_t encrypt(std::span<const std::byte> bytes);
  std::size_t takeSent();

  TlsSocket socket_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  LineSecurity security_;
  std::vector<Record> records_;  // encrypted, and not reported as written
  std::size_t encrypted_ = 0;    // their plain bytes in all
  std::exception_ptr failure_;   // of a read that had bytes to give first
  bool ready_ = false;
  bool kernelSends_ = false;  // what is written to the descriptor is encrypted by the kernel
  bool failed_ = false;
  bool ended_ = false;    // no more is written
  bool drained_ = false;  // nothing more can be read before the socket is readable
};

}  // namespace ft
