#pragma once
// The seam between the protocol and the socket: a non-blocking stream of bytes, plain (here) or encrypted
// (tls_transport.h). One object belongs to one thread at a time.

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "common/unique_fd.h"

namespace ft {

// The result of one read or write that never blocks.
struct IoResult {
  enum class Status { Done, WouldBlockRead, WouldBlockWrite, End };
  Status status = Status::Done;
  std::size_t bytes = 0;  // moved; with Done at least 1
};

// A certificate that the peer has shown, whether it is worth anything or not.
struct ShownCertificate {
  std::string subject;  // "CN=anna,O=Example", in printable ASCII
  std::string fault;    // why no trusted CA vouches for its name, in words; empty: one does
  // When it is valid, together with those that vouch for it.
  std::chrono::sys_seconds begins, ends;
};

// What an encrypted line has told about itself, once its handshake is done.
struct LineSecurity {
  std::string protocol;  // "TLSv1.3"
  std::string cipher;    // "TLS_AES_128_GCM_SHA256"
  // 32 bytes that only the two ends of this line know (RFC 9266, tls-exporter): log-ins are bound to it.
  std::string binding;
  std::string peerFingerprint;  // "SHA256:<base64>" of the peer's public key; empty when it showed no certificate
  std::string peerName;  // the subject's common name of a peer's certificate that a trusted CA has signed; else empty
  std::shared_ptr<const ShownCertificate> peerCertificate;  // null when it showed none
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Reads what is there, at most into.size() bytes. End: the peer has closed its sending side. Throws TransportError.
  virtual IoResult read(std::span<std::byte> into) = 0;
  // Writes what fits. Throws TransportError; never raises SIGPIPE.
  virtual IoResult write(std::span<const std::byte> bytes) = 0;
  // No more will be written (half-close); errors are ignored.
  virtual void shutdownWrite() noexcept = 0;
  // The descriptor to wait on.
  virtual int fd() const noexcept = 0;
  // The descriptor that splice and sendfile may use, or -1 where bytes must pass through read and write (an encrypted
  // transport).
  virtual int rawFd() const noexcept = 0;
  // The same for sendfile alone: also where the kernel encrypts what is sent.
  virtual int sendFd() const noexcept { return rawFd(); }
  // Bytes that read() may return though the descriptor is not readable (encrypted records that were read ahead). 0
  // after a read that would block.
  virtual std::size_t buffered() const noexcept { return 0; }
  // Null while the line is not encrypted (yet). Valid as long as this object.
  virtual const LineSecurity* security() const noexcept { return nullptr; }
  // False while a handshake is under way: the peer has not been able to say anything yet.
  virtual bool established() const noexcept { return true; }
};

// Sets O_NONBLOCK and, for TCP, TCP_NODELAY. Throws TransportError.
void prepareSocket(int fd);

// One read or write of plain bytes, as Transport has them.
IoResult readSocket(int fd, std::span<std::byte> into);
IoResult writeSocket(int fd, std::span<const std::byte> bytes);

// Takes ownership, and prepares the socket.
std::unique_ptr<Transport> makePlainTransport(UniqueFd socket);

}  // namespace ft
