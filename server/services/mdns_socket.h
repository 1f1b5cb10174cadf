#pragma once
// The socket of a multicast DNS responder (RFC 6762), shared with others on this machine: port 5353 of one family, in
// the group on the interfaces that were joined and on no other. Never blocks. One thread at a time.

#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <set>
#include <span>

#include "common/network_interfaces.h"
#include "common/unique_fd.h"

namespace ft {

class MdnsSocket {
 public:
  struct Arrival {
    std::size_t size = 0;
    sockaddr_storage source{};
    unsigned interface = 0;  // that it came in by
  };

  // AF_INET or AF_INET6. Without a descriptor when the system does not have the family; throws ConfigError when the
  // port cannot be had.
  explicit MdnsSocket(int family);

  int family() const { return family_; }
  int fd() const { return fd_.get(); }
  // Has the interface an address of this family, and could it be joined?
  bool join(const NetworkInterface& interface);
  // Forgets the interfaces that are gone, so that they are joined anew when they come back.
  void keepOnly(const std::set<unsigned>& interfaces);
  bool joined(unsigned interface) const { return joined_.contains(interface); }

  // nullopt when nothing waits.
  std::optional<Arrival> receive(std::span<std::byte> buffer);
  // To the group, on one interface. What cannot be sent is lost.
  void multicast(std::span<const std::byte> bytes, const NetworkInterface& interface);
  void reply(std::span<const std::byte> bytes, const Arrival& to);

 private:
  void setOptions();

  const int family_;
  UniqueFd fd_;
  std::set<unsigned> joined_;
};

}  // namespace ft
