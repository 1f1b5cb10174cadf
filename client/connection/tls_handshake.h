#pragma once
// Waits for a TLS handshake, and says in words what the other side does instead.

#include <chrono>

#include "client/connection/address.h"
#include "client/stop_request.h"
#include "common/tls_transport.h"

namespace ft {

// Throws IdentityError when the two cannot agree or `server` does not speak TLS, ServerFailure when it says, still
// unencrypted, that it is too busy, TransportError when the line breaks or `timeout` passes, Interrupted when `stop`
// comes.
void shakeHands(TlsTransport& transport, const ServerAddress& server, std::chrono::milliseconds timeout,
                const StopRequest& stop);

}  // namespace ft
