// Daemons on the local network, put together from the answers of whoever answers.

#include "client/connection/findings.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "client/connection/resolver.h"

using namespace ft;

namespace {

const DnsName kType = DnsName::of("_ftpc._tcp.local");

DnsRecord record(const DnsName& name, DnsType type) {
  DnsRecord one;
  one.name = name;
  one.type = type;
  one.ttl = 10;
  return one;
}

DnsRecord pointer(const std::string& instance) {
  DnsRecord one = record(kType, DnsType::Ptr);
  one.target = DnsName::below(instance, kType);
  return one;
}

DnsRecord location(const std::string& instance, const std::string& host, std::uint16_t port) {
  DnsRecord one = record(DnsName::below(instance, kType), DnsType::Srv);
  one.target = DnsName::of(host);
  one.port = port;
  return one;
}

DnsRecord text(const std::string& instance, std::vector<std::string> texts) {
  DnsRecord one = record(DnsName::below(instance, kType), DnsType::Txt);
  one.texts = std::move(texts);
  return one;
}

DnsRecord v4(const std::string& host, std::uint8_t last) {
  DnsRecord one = record(DnsName::of(host), DnsType::A);
  one.address = {192, 0, 2, last};
  return one;
}

DnsRecord v6(const std::string& host, std::array<std::uint8_t, 16> address) {
  DnsRecord one = record(DnsName::of(host), DnsType::Aaaa);
  one.address = address;
  return one;
}

constexpr std::array<std::uint8_t, 16> kLinkLocal{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
constexpr std::array<std::uint8_t, 16> kGlobal{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};

DnsMessage message(std::vector<DnsRecord> answers, std::vector<DnsRecord> additional = {}) {
  DnsMessage one;
  one.response = true;
  one.answers = std::move(answers);
  one.additional = std::move(additional);
  return one;
}

}  // namespace

TEST_CASE("one answer with all records is one daemon, IPv4 first and link-local last") {
  Findings findings;
  findings.add(message({pointer("b")}, {v6("h.local", kLinkLocal), v6("h.local", kGlobal), v4("H.local", 5),
                                        text("b", {"v=1", "tls=yes", "fp=SHA256:x"}), location("b", "h.local", 7)}),
               999);
  REQUIRE(findings.daemons().size() == 1);
  const FoundDaemon daemon = findings.daemons()[0];
  CHECK(daemon.name == "b");
  CHECK(daemon.host == "h.local");
  CHECK(daemon.port == 7);
  CHECK(daemon.fingerprint == "SHA256:x");
  CHECK(daemon.tls);
  REQUIRE(daemon.addresses.size() == 3);
  CHECK(daemon.addresses[0].text() == "192.0.2.5");
  CHECK(daemon.addresses[1].text() == "fd00::9");
  CHECK(daemon.addresses[2].text() == "fe80::9%999");
  CHECK(findings.missing().empty());
}

TEST_CASE("what an answer leaves out is asked for, and makes a daemon when it comes") {
  Findings findings;
  findings.add(message({pointer("b"), pointer("a")}), 1);
  CHECK(findings.daemons().empty());
  CHECK(findings.missing().size() == 4);
  findings.add(message({location("b", "h.local", 7), location("a", "h.local", 8)}), 1);
  CHECK(findings.missing().size() == 6);
  findings.add(message({v4("h.local", 1), text("a", {}), text("b", {""})}), 1);
  CHECK(findings.missing().empty());
  REQUIRE(findings.daemons().size() == 2);
  CHECK(findings.daemons()[0].name == "a");
  CHECK(findings.daemons()[0].fingerprint.empty());
  CHECK_FALSE(findings.daemons()[0].tls);
}

TEST_CASE("the same daemon heard of twice is one, with the addresses of both") {
  Findings findings;
  for (const unsigned last : {1U, 2U, 2U, 1U}) {
    findings.add(message({pointer("a")}, {location("a", "h.local", 7), v4("h.local", static_cast<std::uint8_t>(last))}),
                 last);
  }
  REQUIRE(findings.daemons().size() == 1);
  CHECK(findings.daemons()[0].addresses.size() == 2);
}

TEST_CASE("records of others, of names that are no instances, and farewells are passed over") {
  Findings findings;
  DnsRecord gone = pointer("gone");
  gone.ttl = 0;
  DnsRecord foreign = record(DnsName::of("_http._tcp.local"), DnsType::Ptr);
  foreign.target = DnsName::of("x._http._tcp.local");
  DnsRecord itself = record(kType, DnsType::Ptr);
  itself.target = kType;
  DnsRecord deep = record(kType, DnsType::Ptr);
  deep.target = DnsName::below("a", DnsName::below("b", kType));
  findings.add(
      message({gone, foreign, itself, deep, location("unknown", "h.local", 7), location("zero", "h.local", 0)}), 1);
  CHECK(findings.missing().empty());
  CHECK(findings.daemons().empty());
}

TEST_CASE("a flood of names and addresses is bounded") {
  Findings findings;
  for (int i = 0; i < 2000; ++i) {
    const std::string name = "n" + std::to_string(i);
    std::vector<DnsRecord> addresses;
    for (int j = 0; j < 40; ++j) addresses.push_back(v4(name + ".local", static_cast<std::uint8_t>(j)));
    findings.add(message({pointer(name), location(name, name + ".local", 7)}, addresses), 1);
  }
  CHECK(findings.daemons().size() == 256);
  CHECK(findings.daemons()[0].addresses.size() == 16);
  CHECK(findings.missing().size() <= 34);
}

TEST_CASE("an address with a port is what the system takes") {
  FoundAddress address;
  address.v6 = true;
  address.bytes = kLinkLocal;
  address.interface = 4;
  const sockaddr_storage storage = address.withPort(7021);
  CHECK(storage.ss_family == AF_INET6);
  CHECK(address.linkLocal());
}

TEST_CASE("names of the local network are those directly below .local") {
  for (const char* name : {"nas.local", "NAS.Local", "nas.local."}) CHECK(isLocalName(name));
  for (const char* name : {"local", ".local", "a.b.local", "nas.locals", "nas", "127.0.0.1", ""}) {
    CAPTURE(name);
    CHECK_FALSE(isLocalName(name));
  }
}
