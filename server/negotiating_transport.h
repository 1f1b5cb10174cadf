#pragma once
// The beginning of a connection on a port where TLS and plain text are both spoken: the first bytes tell which it is (PROTOCOL.md 9), and
// from then on it is that.

#include <memory>
#include <string>

#include "common/tls_context.h"
#include "common/transport.h"

namespace ft {

// What a line may become. An empty refusal permits it; any other is a frame that is sent unencrypted before the line ends.
struct LinePolicy {
  TlsContext tls;  // null: TLS is not spoken
  std::string plainRefusal;
  std::string tlsRefusal;
};

// Takes ownership, and prepares the socket. Throws TransportError.
std::unique_ptr<Transport> makeNegotiatingTransport(UniqueFd socket, LinePolicy policy);

}  // namespace ft
