#include "server/services/discovery_answers.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace ft {
namespace {

// RFC 6762 10: what names a host changes sooner than the rest. Seconds.
constexpr std::uint32_t kHostTtl = 120;
constexpr std::uint32_t kOtherTtl = 4500;
constexpr std::uint32_t kMostUnicastTtl = 10;
// Of each family on one interface. More would only make the answer large.
constexpr std::size_t kMostAddresses = 4;

template <typename Address>
std::string textOf(int family, const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> room{};
  return ::inet_ntop(family, &address, room.data(), room.size()) == nullptr ? "" : room.data();
}

DnsRecord record(const DnsName& name, DnsType type, std::uint32_t ttl, bool flush) {
  DnsRecord one;
  one.name = name;
  one.type = type;
  one.ttl = ttl;
  one.flush = flush;
  return one;
}

}  // namespace

DiscoveryAnswers::DiscoveryAnswers(DiscoveryFacts facts)
    : facts_(std::move(facts)),
      type_(DnsName::of("_ftpc._tcp.local")),
      types_(DnsName::of("_services._dns-sd._udp.local")),
      host_(DnsName::below(facts_.host, DnsName::of("local"))),
      name_(facts_.name) {}

DnsName DiscoveryAnswers::instance() const { return DnsName::below(name_, type_); }

unsigned DiscoveryAnswers::wanted(const DnsMessage& question) const {
  unsigned sets = kNoRecords;
  for (const DnsQuestion& one : question.questions) {
    const auto asks = [&](DnsType type) { return one.type == type || one.type == DnsType::Any; };
    if (one.name == type_ && asks(DnsType::Ptr)) sets |= kServicePointer;
    if (one.name == types_ && asks(DnsType::Ptr)) sets |= kTypePointer;
    if (one.name == instance() && asks(DnsType::Srv)) sets |= kServiceLocation;
    if (one.name == instance() && asks(DnsType::Txt)) sets |= kServiceText;
    if (one.name == host_ && (asks(DnsType::A) || asks(DnsType::Aaaa))) sets |= kHostAddress;
  }
  for (const DnsRecord& known : question.answers) {
    if (known.type != DnsType::Ptr || known.ttl < kOtherTtl / 2) continue;
    if (known.name == type_ && known.target == instance()) sets &= ~unsigned{kServicePointer};
    if (known.name == types_ && known.target == type_) sets &= ~unsigned{kTypePointer};
  }
  return sets;
}

DnsMessage DiscoveryAnswers::answer(unsigned sets, const NetworkInterface& interface, bool gone) const {
  unsigned more = kNoRecords;
  if ((sets & kServicePointer) != 0) more |= kServiceLocation | kServiceText | kHostAddress;
  if ((sets & kServiceLocation) != 0) more |= kHostAddress;
  DnsMessage message;
  message.response = message.authoritative = true;
  message.answers = records(sets, interface);
  message.additional = records(more & ~sets, interface);
  if (!gone) return message;
  for (DnsRecord& one : message.answers) one.ttl = 0;
  message.additional.clear();
  return message;
}

DnsMessage DiscoveryAnswers::answerTo(const DnsMessage& question, unsigned sets,
                                      const NetworkInterface& interface) const {
  DnsMessage message = answer(sets, interface);
  message.id = question.id;
  for (const DnsQuestion& one : question.questions) {
    DnsMessage alone;
    alone.questions.push_back(one);
    if (wanted(alone) != kNoRecords) message.questions.push_back(one);
  }
  for (auto* const part : {&message.answers, &message.additional}) {
    for (DnsRecord& one : *part) {
      one.flush = false;
      one.ttl = std::min(one.ttl, kMostUnicastTtl);
    }
  }
  return message;
}

DnsMessage DiscoveryAnswers::probe() const {
  DnsMessage message;
  message.questions.push_back({instance(), DnsType::Any, /*unicast=*/false});
  return message;
}

bool DiscoveryAnswers::taken(const DnsMessage& response) const {
  if (!response.response) return false;
  const auto same = [&](const DnsRecord& one) { return one.name == instance() && one.ttl > 0; };
  return std::any_of(response.answers.begin(), response.answers.end(), same) ||
         std::any_of(response.additional.begin(), response.additional.end(), same);
}

void DiscoveryAnswers::takeNextName() {
  const std::string behind = " (" + std::to_string(++number_) + ")";
  name_ = facts_.name;
  // Not inside a character.
  while (name_.size() + behind.size() > kMaxDnsLabel ||
         (name_.size() < facts_.name.size() && !name_.empty() && (facts_.name[name_.size()] & '\xc0') == '\x80')) {
    name_.pop_back();
  }
  name_ += behind;
}

std::vector<DnsRecord> DiscoveryAnswers::records(unsigned sets, const NetworkInterface& interface) const {
  std::vector<DnsRecord> all;
  if ((sets & kTypePointer) != 0) {
    all.push_back(record(types_, DnsType::Ptr, kOtherTtl, false));
    all.back().target = type_;
  }
  if ((sets & kServicePointer) != 0) {
    all.push_back(record(type_, DnsType::Ptr, kOtherTtl, false));
    all.back().target = instance();
  }
  if ((sets & kServiceLocation) != 0) {
    all.push_back(record(instance(), DnsType::Srv, kHostTtl, true));
    all.back().port = facts_.port;
    all.back().target = host_;
  }
  if ((sets & kServiceText) != 0) {
    all.push_back(record(instance(), DnsType::Txt, kOtherTtl, true));
    all.back().texts = facts_.texts;
  }
  if ((sets & kHostAddress) == 0) return all;
  for (std::size_t i = 0; facts_.v4 && i < std::min(interface.v4.size(), kMostAddresses); ++i) {
    if (!listensOn(textOf(AF_INET, interface.v4[i].address))) continue;
    all.push_back(record(host_, DnsType::A, kHostTtl, true));
    std::memcpy(all.back().address.data(), &interface.v4[i].address, sizeof(in_addr));
  }
  for (std::size_t i = 0; facts_.v6 && i < std::min(interface.v6.size(), kMostAddresses); ++i) {
    if (!listensOn(textOf(AF_INET6, interface.v6[i].address))) continue;
    all.push_back(record(host_, DnsType::Aaaa, kHostTtl, true));
    std::memcpy(all.back().address.data(), &interface.v6[i].address, sizeof(in6_addr));
  }
  return all;
}

bool DiscoveryAnswers::listensOn(const std::string& address) const {
  return facts_.only.empty() || std::find(facts_.only.begin(), facts_.only.end(), address) != facts_.only.end();
}

}  // namespace ft
