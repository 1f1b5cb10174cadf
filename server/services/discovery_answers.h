#pragma once
// What a daemon says of itself by multicast DNS (RFC 6762, 6763), without sockets: which of its records a question asks
// for, and the answer.

#include <cstdint>
#include <string>
#include <vector>

#include "common/dns_message.h"
#include "common/network_interfaces.h"

namespace ft {

// What there is to tell.
struct DiscoveryFacts {
  std::string name;  // of the instance, as people see it: "Files of the office"
  std::string host;  // the first part of HOST.local
  std::uint16_t port = 0;
  bool v4 = false, v6 = false;     // listened on
  std::vector<std::string> only;   // addresses, as text, that are listened on; empty: all of the machine
  std::vector<std::string> texts;  // "v=1", "tls=yes", "fp=SHA256:…"
};

// Sets of records, as bits.
inline constexpr unsigned kNoRecords = 0;
inline constexpr unsigned kServicePointer = 1;   // _ftpc._tcp.local PTR INSTANCE
inline constexpr unsigned kTypePointer = 2;      // _services._dns-sd._udp.local PTR _ftpc._tcp.local
inline constexpr unsigned kServiceLocation = 4;  // INSTANCE SRV
inline constexpr unsigned kServiceText = 8;      // INSTANCE TXT
inline constexpr unsigned kHostAddress = 16;     // HOST.local A and AAAA
inline constexpr unsigned kAllRecords = 31;

class DiscoveryAnswers {
 public:
  explicit DiscoveryAnswers(DiscoveryFacts facts);

  // The sets that the question asks for and the asker does not know yet.
  unsigned wanted(const DnsMessage& question) const;
  // The answer on this interface with those sets, and with what they lead to as additional records. `gone`: they are no
  // more.
  DnsMessage answer(unsigned sets, const NetworkInterface& interface, bool gone = false) const;
  // The same for one asker who is no multicast DNS responder itself (RFC 6762 6.7).
  DnsMessage answerTo(const DnsMessage& question, unsigned sets, const NetworkInterface& interface) const;

  // Before the names are used: the question whether they are (RFC 6762 8.1), and whether a response says so.
  DnsMessage probe() const;
  bool taken(const DnsMessage& response) const;
  // "NAME (2)", "NAME (3)", … of the instance.
  void takeNextName();
  const std::string& name() const { return name_; }

 private:
  DnsName instance() const;
  std::vector<DnsRecord> records(unsigned sets, const NetworkInterface& interface) const;
  bool listensOn(const std::string& address) const;

  const DiscoveryFacts facts_;
  const DnsName type_;
  const DnsName types_;
  const DnsName host_;
  std::string name_;
  int number_ = 1;
};

}  // namespace ft
