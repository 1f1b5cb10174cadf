#include "common/tls_transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/error.h"
#include "common/protocol.h"
#include "common/shown_certificate.h"
#include "common/tls_error.h"
#include "common/tls_fingerprint.h"

namespace ft {
namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
// What is encrypted ahead of the line: four records leave in one call, and a peer that stalls costs no more memory.
// Bytes.
constexpr std::size_t kBatch = 4 * kRecord;

std::string bindingOf(SSL* ssl) {
  static constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";  // RFC 9266
  // Without it two lines of TLS 1.2 can be made to share their secrets (RFC 7627).
  if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1) return {};
  std::array<unsigned char, kLoginBindingSize> bytes{};
  static constexpr unsigned char kNoContext = 0;
  if (SSL_export_keying_material(ssl, bytes.data(), bytes.size(), kLabel.data(), kLabel.size(), &kNoContext, 0, 1) != 1)
    return {};
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string commonNameOf(const X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return name;
}

TransportError::Kind kindOf(int error) {
  if (error == ECONNRESET || error == ECONNABORTED) return TransportError::Kind::Reset;
  if (error == ETIMEDOUT) return TransportError::Kind::Timeout;
  return error == EPIPE ? TransportError::Kind::Closed : TransportError::Kind::Other;
}

}  // namespace

void TlsTransport::FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsTransport::TlsTransport(UniqueFd socket, const TlsContext& context, TlsSide side)
    : socket_(std::move(socket)), ssl_(SSL_new(context.get())) {
  if (!ssl_) throw TlsError("TLS cannot be used: " + takeTlsReason());
  prepareSocket(socket_.fd());
  if ((SSL_CTX_get_options(context.get()) & SSL_OP_ENABLE_KTLS) != 0) {
    // The kernel can take over only what OpenSSL writes by itself.
    SSL_set_fd(ssl_.get(), socket_.fd());
  } else {
    BIO* const bio = socket_.makeBio();
    SSL_set_bio(ssl_.get(), bio, bio);
  }
  if (side == TlsSide::Server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
}

TlsTransport::~TlsTransport() {
  if (!ready_ || failed_ || ended_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  socket_.flush();
  ERR_clear_error();
}

IoResult::Status TlsTransport::handshake() {
  if (ready_) return IoResult::Status::Done;
  if (failed_) throw TlsError("the TLS handshake has failed before");
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    const IoResult::Status status = statusOf(result);
    if (status != IoResult::Status::End) return status;
    failed_ = true;
    throw TransportError(TransportError::Kind::Closed, "the other side closed the connection during the TLS handshake");
  }
  settle();
  return IoResult::Status::Done;
}

void TlsTransport::settle() {
  SSL* const ssl = ssl_.get();
  security_.protocol = SSL_get_version(ssl);
  security_.cipher = SSL_get_cipher_name(ssl);
  security_.binding = bindingOf(ssl);
  if (const X509* const peer = SSL_get0_peer_certificate(ssl)) {
    security_.peerFingerprint = fingerprintOf(peer);
    security_.peerCertificate = shownCertificate(ssl);
    if (SSL_get_verify_result(ssl) == X509_V_OK) security_.peerName = commonNameOf(peer);
  }
  kernelSends_ = BIO_get_ktls_send(SSL_get_wbio(ssl));
  socket_.forgetFirst();
  ready_ = true;
}

IoResult::Status TlsTransport::statusOf(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return IoResult::Status::WouldBlockRead;
  if (error == SSL_ERROR_WANT_WRITE) return IoResult::Status::WouldBlockWrite;
  if (error == SSL_ERROR_ZERO_RETURN) return IoResult::Status::End;
  fail(error);
}

void TlsTransport::fail(int error) {
  const int code = socket_.error() != 0 ? socket_.error() : errno;
  failed_ = true;
  socket_.flush();  // the alert that tells the other side why
  const std::string during = ready_ ? "" : " during the TLS handshake";
  const bool cut =
      ERR_peek_error() == 0 ? socket_.atEnd() : ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (cut) {
    ERR_clear_error();
    throw TransportError(TransportError::Kind::Closed, "the connection was cut" + during);
  }
  if (error == SSL_ERROR_SYSCALL || socket_.error() != 0) {
    ERR_clear_error();
    throw TransportError(kindOf(code), "the connection broke" + during + ": " + errorText(code));
  }
  const std::string reason = takeTlsReason();
  if (!ready_) throw TlsError("the TLS handshake failed: " + reason);
  throw TransportError(TransportError::Kind::Other, "TLS: " + reason);
}

IoResult TlsTransport::read(std::span<std::byte> into) {
  if (const IoResult::Status status = handshake(); status != IoResult::Status::Done) return {status, 0};
  if (failure_) std::rethrow_exception(failure_);
  std::size_t filled = 0;
  while (filled < into.size()) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data() + filled, into.size() - filled, &got);
    filled += got;
    if (result == 1) continue;
    if (filled > 0) {
      postpone(result);
      return {IoResult::Status::Done, filled};
    }
    const IoResult::Status status = statusOf(result);
    drained_ = status == IoResult::Status::WouldBlockRead;
    return {status, 0};
  }
  drained_ = false;
  return {IoResult::Status::Done, filled};
}

// What a read met behind the bytes that it gives is told by the next one.
void TlsTransport::postpone(int result) {
  try {
    drained_ = statusOf(result) == IoResult::Status::WouldBlockRead;
  } catch (const TransportError&) {
    drained_ = false;
    failure_ = std::current_exception();
  }
}

std::size_t TlsTransport::buffered() const noexcept {
  if (!ready_ || drained_) return 0;
  if (failure_) return 1;
  const int whole = SSL_pending(ssl_.get());
  if (whole > 0) return static_cast<std::size_t>(whole);
  return SSL_has_pending(ssl_.get()) == 1 ? 1 : 0;
}

IoResult TlsTransport::write(std::span<const std::byte> bytes) {
  if (const IoResult::Status status = handshake(); status != IoResult::Status::Done) return {status, 0};
  if (ended_) throw TransportError(TransportError::Kind::Closed, "the connection was already closed for writing");
  if (bytes.size() < encrypted_)
    throw TransportError(TransportError::Kind::Other, "the source became shorter while it was sent");
  std::size_t reported = 0;
  for (;;) {
    const std::size_t offered = encrypt(bytes.subspan(reported + encrypted_));
    const bool all = socket_.flush();
    if (socket_.error() != 0) fail(SSL_ERROR_SYSCALL);
    reported += takeSent();
    if (!all || offered == 0 || reported + encrypted_ == bytes.size()) break;
  }
  if (reported == 0 && !bytes.empty()) return {IoResult::Status::WouldBlockWrite, 0};
  return {IoResult::Status::Done, reported};
}

// Encrypts from the front of `bytes` while there is room ahead of the line; how many.
std::size_t TlsTransport::encrypt(std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size() && encrypted_ < kBatch) {
    ERR_clear_error();
    std::size_t written = 0;
    const std::size_t size = std::min(bytes.size() - done, kRecord);
    const int result = SSL_write_ex(ssl_.get(), bytes.data() + done, size, &written);
    if (result != 1) {
      // The socket below takes all that is offered, so only an answer that OpenSSL waits for can hold a write up.
      static_cast<void>(statusOf(result));
      break;
    }
    records_.push_back({written, socket_.given()});
    encrypted_ += written;
    done += written;
  }
  return done;
}

// The plain bytes whose records have left whole.
std::size_t TlsTransport::takeSent() {
  std::size_t plain = 0;
  auto next = records_.begin();
  for (; next != records_.end() && next->end <= socket_.sent(); ++next) plain += next->plain;
  records_.erase(records_.begin(), next);
  encrypted_ -= plain;
  return plain;
}

void TlsTransport::shutdownWrite() noexcept {
  if (!ready_ || failed_ || ended_) return;
  ended_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  socket_.flush();
  ::shutdown(socket_.fd(), SHUT_WR);
  ERR_clear_error();
}

}  // namespace ft
