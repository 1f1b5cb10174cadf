#pragma once
// From the name of a server to its addresses: as the system knows it, else, for names under .local, as the local
// network does (RFC 6762).

#include <sys/socket.h>

#include <vector>

#include "client/connection/address.h"
#include "client/stop_request.h"

namespace ft {

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;

  int family() const { return address.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// "nas.local", "nas.local."
bool isLocalName(std::string_view host);

// In the order in which they are to be tried; never empty. Throws TransportError (Unreachable) whose text names the
// server; Interrupted.
std::vector<Endpoint> resolve(const ServerAddress& server, const StopRequest& stop);

}  // namespace ft
