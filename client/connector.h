#pragma once
// From an address to a connected socket: a Unix socket, or every address of the host in order, each with a share of the time.

#include <chrono>
#include <memory>

#include "client/address.h"
#include "client/stop_request.h"
#include "common/transport.h"

namespace ft {

// Throws TransportError (Unreachable, Timeout) whose text names the address; Interrupted when `stop` comes first.
std::unique_ptr<Transport> connectTo(const ServerAddress& address, std::chrono::milliseconds timeout,
                                     const StopRequest& stop);

}  // namespace ft
