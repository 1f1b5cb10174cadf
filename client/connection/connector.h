#pragma once
// From an address to a connected socket: a Unix socket, or every address of the host in order, each with a share of the
// time.

#include <chrono>

#include "client/connection/address.h"
#include "client/stop_request.h"
#include "common/unique_fd.h"

namespace ft {

// A non-blocking socket, on which a peer that has gone without a word is noticed after about `timeout`, also while
// nothing is sent. Throws TransportError (Unreachable, Timeout) whose text names the address; Interrupted when
// `stop` comes first.
UniqueFd connectTo(const ServerAddress& address, std::chrono::milliseconds timeout, const StopRequest& stop);

// Does the line stay on this machine? True for Unix sockets and loopback addresses.
bool staysHere(int connected);

}  // namespace ft
