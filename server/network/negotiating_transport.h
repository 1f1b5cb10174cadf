#pragma once
// The beginning of a connection on a port where TLS and plain text are both spoken: the first bytes tell which it is
// (PROTOCOL.md 9), and from then on it is that.

#include <functional>
#include <memory>
#include <string>

#include "common/tls_context.h"
#include "common/transport.h"

namespace ft {

// What lines may become. An empty refusal permits it; any other is a frame that is sent unencrypted before the line
// ends.
struct LinePolicy {
  // For a line that begins its handshake now; called on any thread. Not needed with a tlsRefusal.
  std::function<TlsContext()> tls;
  std::string plainRefusal;
  std::string tlsRefusal;
};

// Takes ownership, and prepares the socket. The policy must stay until the line has begun. Throws TransportError.
std::unique_ptr<Transport> makeNegotiatingTransport(UniqueFd socket, const LinePolicy& policy);

}  // namespace ft
