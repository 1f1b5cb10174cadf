#include "client/connection/tls_handshake.h"

#include <poll.h>

#include <optional>
#include <span>
#include <string>

#include "client/failures.h"
#include "common/escape.h"
#include "common/frame.h"
#include "common/header.h"
#include "common/tls_error.h"

namespace ft {
namespace {

constexpr std::byte kAlert{0x15};
constexpr std::byte kHandshake{0x16};

// A refusal in a plain frame: what a daemon says that is full, or that has TLS switched off.
std::optional<Header> plainWords(std::span<const std::byte> bytes) {
  try {
    const auto text = peekFrame(bytes);
    if (!text) return std::nullopt;
    HeaderParser parser;
    return parser.parse(*text);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

// Throws what the first bytes of the other side say, unless they are TLS.
void quoteOther(const std::string& first, const std::string& name) {
  const auto bytes = std::as_bytes(std::span(first));
  const auto words = plainWords(bytes);
  if (!words && (bytes.empty() || bytes[0] == kAlert || bytes[0] == kHandshake)) return;
  if (!words) throw IdentityError(name + " does not speak TLS; --no-tls would send everything unencrypted");
  const std::string message = escapeText(words->message.value_or(""), 300);
  const auto code = errorFromName(words->error.value_or(""));
  if (code && mayPass(*code)) throw ServerFailure(*code, message);
  throw IdentityError(name + " does not speak TLS here: " + message);
}

}  // namespace

void shakeHands(TlsTransport& transport, const ServerAddress& server, std::chrono::milliseconds timeout,
                const StopRequest& stop) {
  const std::string name = escapeText(server.text());
  const auto end = std::chrono::steady_clock::now() + timeout;
  try {
    for (;;) {
      const IoResult::Status status = transport.handshake();
      if (status == IoResult::Status::Done) return;
      const short events = status == IoResult::Status::WouldBlockRead ? POLLIN : POLLOUT;
      if (!stop.awaitUntil(transport.fd(), events, end)) {
        throw TransportError(TransportError::Kind::Timeout, name + " did not answer when TLS began");
      }
    }
  } catch (const TlsError& error) {
    quoteOther(transport.firstBytes(), name);
    throw IdentityError(name + ": " + error.what());
  } catch (const TransportError& error) {
    if (error.kind() == TransportError::Kind::Timeout) throw;
    throw TransportError(error.kind(),
                         name + " ended the connection when TLS began: it may not speak TLS, or be too busy");
  }
}

}  // namespace ft
