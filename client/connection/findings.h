#pragma once
// Puts together what the answers to multicast DNS questions say: daemons from their records, and addresses of hosts.
// Uses no socket. Takes bounded memory, whatever comes.

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/dns_message.h"

namespace ft {

// An address without a port. `interface`: by which it was heard of; link-local ones need it.
struct FoundAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // of IPv4 the first four
  unsigned interface = 0;

  bool linkLocal() const;
  // "192.0.2.1", "fd00::1", "fe80::1%eth0"
  std::string text() const;
  sockaddr_storage withPort(std::uint16_t port) const;
  bool operator==(const FoundAddress&) const = default;
};

// As the network says it: to be escaped before it is shown.
struct FoundDaemon {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
  std::vector<FoundAddress> addresses;  // the most useful one first; not empty
  std::string fingerprint;              // "SHA256:…"; "" when it tells none
  bool tls = false;
};

class Findings {
 public:
  void add(const DnsMessage& answer, unsigned interface);
  // What is still to be asked to know all of what was heard of.
  std::vector<DnsQuestion> missing() const;
  // Those of which all is known, by name.
  std::vector<FoundDaemon> daemons() const;
  // The most useful one first; empty when none is known.
  std::vector<FoundAddress> addressesOf(const DnsName& host) const;

 private:
  struct Instance {
    DnsName name;
    DnsName host;  // empty: not known yet
    std::uint16_t port = 0;
    bool textKnown = false;
    std::vector<std::string> texts;
  };

  Instance* find(const DnsName& name);
  void addRecord(const DnsRecord& record, unsigned interface);
  void addAddress(const DnsRecord& record, unsigned interface);

  std::vector<Instance> instances_;
  std::map<std::string, std::vector<FoundAddress>> hosts_;  // by the name in lower case
};

}  // namespace ft
