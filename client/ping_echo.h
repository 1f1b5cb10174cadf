#pragma once
// ping --tcp and --udp: round trips to the daemon's echo services.

namespace ft {

struct Shell;

// To the address that -s names, which is that of the echo service.
void pingEcho(const Shell& shell);

}  // namespace ft
