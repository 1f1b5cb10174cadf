#include "client/connection/findings.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/lower_case.h"

namespace ft {
namespace {

constexpr std::size_t kMostInstances = 256;
constexpr std::size_t kMostHosts = 512;
constexpr std::size_t kMostAddresses = 16;
constexpr std::size_t kMostQuestions = 32;

std::string key(const DnsName& name) { return lowerCase(name.dotted()); }

// The value of "key=value"; "" when it is not there.
std::string valueOf(const std::vector<std::string>& texts, std::string_view key) {
  for (const std::string& text : texts) {
    if (text.size() > key.size() && text.starts_with(key) && text[key.size()] == '=')
      return text.substr(key.size() + 1);
  }
  return "";
}

// IPv4 first: it needs no zone. Then what is valid beyond the link.
int rank(const FoundAddress& address) { return !address.v6 ? 0 : address.linkLocal() ? 2 : 1; }

}  // namespace

bool FoundAddress::linkLocal() const { return v6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }

std::string FoundAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> room{};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), room.data(), room.size());
  std::string text = room.data();
  if (!linkLocal()) return text;
  std::array<char, IF_NAMESIZE> name{};
  const bool named = ::if_indextoname(interface, name.data()) != nullptr;
  return text + "%" + (named ? name.data() : std::to_string(interface));
}

sockaddr_storage FoundAddress::withPort(std::uint16_t port) const {
  sockaddr_storage storage{};
  if (v6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    in.sin6_scope_id = linkLocal() ? interface : 0;
    std::memcpy(&in.sin6_addr, bytes.data(), sizeof in.sin6_addr);
    std::memcpy(&storage, &in, sizeof in);
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, bytes.data(), sizeof in.sin_addr);
    std::memcpy(&storage, &in, sizeof in);
  }
  return storage;
}

void Findings::add(const DnsMessage& answer, unsigned interface) {
  for (const auto* const part : {&answer.answers, &answer.additional}) {
    // Pointers first, since the other records are taken of known instances only.
    for (const DnsRecord& record : *part) {
      if (record.type == DnsType::Ptr) addRecord(record, interface);
    }
  }
  for (const auto* const part : {&answer.answers, &answer.additional}) {
    for (const DnsRecord& record : *part) {
      if (record.type != DnsType::Ptr) addRecord(record, interface);
    }
  }
}

Findings::Instance* Findings::find(const DnsName& name) {
  const auto found = std::find_if(instances_.begin(), instances_.end(),
                                  [&](const Instance& instance) { return instance.name == name; });
  return found == instances_.end() ? nullptr : &*found;
}

void Findings::addRecord(const DnsRecord& record, unsigned interface) {
  if (record.ttl == 0) return;
  if (record.type == DnsType::A || record.type == DnsType::Aaaa) return addAddress(record, interface);
  if (record.type == DnsType::Ptr) {
    const DnsName& name = record.target;
    const DnsName type = DnsName::of("_ftpc._tcp.local");
    const bool ours = record.name == type && name.isBelow(type) && name.labels.size() == type.labels.size() + 1;
    if (ours && find(name) == nullptr && instances_.size() < kMostInstances) instances_.emplace_back().name = name;
    return;
  }
  Instance* const instance = find(record.name);
  if (instance == nullptr) return;
  if (record.type == DnsType::Srv && record.port != 0) {
    instance->host = record.target;
    instance->port = record.port;
  } else if (record.type == DnsType::Txt) {
    instance->textKnown = true;
    instance->texts = record.texts;
  }
}

void Findings::addAddress(const DnsRecord& record, unsigned interface) {
  FoundAddress address;
  address.v6 = record.type == DnsType::Aaaa;
  address.bytes = record.address;
  if (address.linkLocal()) address.interface = interface;
  const std::string host = key(record.name);
  if (!hosts_.contains(host) && hosts_.size() >= kMostHosts) return;
  std::vector<FoundAddress>& known = hosts_[host];
  const bool fresh = std::find(known.begin(), known.end(), address) == known.end();
  if (fresh && known.size() < kMostAddresses) known.push_back(address);
}

std::vector<DnsQuestion> Findings::missing() const {
  std::vector<DnsQuestion> questions;
  for (const Instance& instance : instances_) {
    if (questions.size() >= kMostQuestions) break;
    if (instance.port == 0) questions.push_back({instance.name, DnsType::Srv, false});
    if (!instance.textKnown) questions.push_back({instance.name, DnsType::Txt, false});
    if (instance.port == 0 || hosts_.contains(key(instance.host))) continue;
    questions.push_back({instance.host, DnsType::A, false});
    questions.push_back({instance.host, DnsType::Aaaa, false});
  }
  return questions;
}

std::vector<FoundAddress> Findings::addressesOf(const DnsName& host) const {
  const auto found = hosts_.find(key(host));
  if (found == hosts_.end()) return {};
  std::vector<FoundAddress> addresses = found->second;
  std::stable_sort(addresses.begin(), addresses.end(),
                   [](const FoundAddress& a, const FoundAddress& b) { return rank(a) < rank(b); });
  return addresses;
}

std::vector<FoundDaemon> Findings::daemons() const {
  std::vector<FoundDaemon> all;
  for (const Instance& instance : instances_) {
    FoundDaemon daemon;
    daemon.addresses = addressesOf(instance.host);
    if (instance.port == 0 || daemon.addresses.empty()) continue;
    daemon.name = instance.name.labels.front();
    daemon.host = instance.host.dotted();
    daemon.port = instance.port;
    daemon.fingerprint = valueOf(instance.texts, "fp");
    daemon.tls = valueOf(instance.texts, "tls") == "yes";
    all.push_back(std::move(daemon));
  }
  std::sort(all.begin(), all.end(), [](const FoundDaemon& a, const FoundDaemon& b) {
    return std::pair(a.name, a.host) < std::pair(b.name, b.host);
  });
  return all;
}

}  // namespace ft
