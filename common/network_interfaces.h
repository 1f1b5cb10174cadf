#pragma once
// The network interfaces of this machine with their addresses, as multicast needs them.

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

namespace ft {

struct NetworkInterface {
  struct V4 {
    in_addr address;
    in_addr mask;
  };
  struct V6 {
    in6_addr address;
    in6_addr mask;
  };
  unsigned index = 0;
  std::string name;
  bool loopback = false;
  bool multicast = false;  // it says that it can; loopback can, too, without saying so
  std::vector<V4> v4;
  std::vector<V6> v6;

  // Is this the address of a neighbour on it: in one of its networks, or link-local?
  bool reaches(const sockaddr_storage& source) const;
  // Is this one of its own? As text: "192.0.2.1", "fd00::1".
  bool has(const std::string& address) const;
};

// Those that are up and have an address, by their index. Empty when the system does not tell.
std::vector<NetworkInterface> networkInterfaces();

}  // namespace ft
