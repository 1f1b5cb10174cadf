#pragma once
// ping --tcp and --udp: round trips to the daemon's echo services.

namespace ft {

struct VerbCall;

// To the address that -s HOST:PORT names, which is that of the echo service; without such a port, to the echo that the
// server tells of.
void pingEcho(const VerbCall& call);

}  // namespace ft
