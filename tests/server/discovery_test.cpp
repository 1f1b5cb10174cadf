// What the daemon answers to questions for daemons on the local network.

#include "server/services/discovery.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace ft;

namespace {

const DnsName kType = DnsName::of("_ftpc._tcp.local");

DiscoveryFacts facts() { return {"My NAS", "nas", 7021, true, true, {}, {"v=1", "tls=no"}}; }

NetworkInterface ethernet() {
  NetworkInterface interface;
  interface.index = 2;
  interface.name = "eth0";
  interface.multicast = true;
  NetworkInterface::V4 v4{};
  ::inet_pton(AF_INET, "192.0.2.7", &v4.address);
  ::inet_pton(AF_INET, "255.255.255.0", &v4.mask);
  interface.v4.push_back(v4);
  NetworkInterface::V6 v6{};
  ::inet_pton(AF_INET6, "fd00::7", &v6.address);
  ::inet_pton(AF_INET6, "ffff:ffff:ffff:ffff::", &v6.mask);
  interface.v6.push_back(v6);
  return interface;
}

DnsMessage question(const DnsName& name, DnsType type) {
  DnsMessage message;
  message.id = 99;
  message.questions.push_back({name, type, false});
  return message;
}

std::size_t count(const std::vector<DnsRecord>& records, DnsType type) {
  return static_cast<std::size_t>(
      std::count_if(records.begin(), records.end(), [&](const DnsRecord& one) { return one.type == type; }));
}

sockaddr_storage from(const std::string& host) {
  sockaddr_storage storage{};
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
  } else {
    REQUIRE(::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1);
    v6->sin6_family = AF_INET6;
  }
  return storage;
}

}  // namespace

TEST_CASE("the question for daemons is answered with all that is needed to reach this one") {
  const DiscoveryAnswers answers(facts());
  const unsigned sets = answers.wanted(question(kType, DnsType::Ptr));
  CHECK(sets == kServicePointer);
  const DnsMessage answer = answers.answer(sets, ethernet());
  REQUIRE(answer.answers.size() == 1);
  CHECK((answer.response && answer.authoritative && answer.id == 0 && answer.questions.empty()));
  CHECK(answer.answers[0].target == DnsName::below("My NAS", kType));
  CHECK_FALSE(answer.answers[0].flush);  // others have records of this name too
  CHECK(count(answer.additional, DnsType::Srv) == 1);
  CHECK(count(answer.additional, DnsType::Txt) == 1);
  CHECK(count(answer.additional, DnsType::A) == 1);
  CHECK(count(answer.additional, DnsType::Aaaa) == 1);
  const auto bytes = writeDnsMessage(answer);
  REQUIRE(bytes);
  CHECK(bytes->size() < 250);
}

TEST_CASE("each of the daemon's names is known by its types, and no other name is") {
  const DiscoveryAnswers answers(facts());
  const DnsName instance = DnsName::below("my nas", kType);
  CHECK(answers.wanted(question(instance, DnsType::Srv)) == kServiceLocation);
  CHECK(answers.wanted(question(instance, DnsType::Txt)) == kServiceText);
  CHECK(answers.wanted(question(instance, DnsType::Any)) == (kServiceLocation | kServiceText));
  CHECK(answers.wanted(question(DnsName::of("NAS.local"), DnsType::A)) == kHostAddress);
  CHECK(answers.wanted(question(DnsName::of("nas.local"), DnsType::Aaaa)) == kHostAddress);
  CHECK(answers.wanted(question(DnsName::of("_services._dns-sd._udp.local"), DnsType::Ptr)) == kTypePointer);
  CHECK(answers.wanted(question(DnsName::of("_http._tcp.local"), DnsType::Any)) == kNoRecords);
  CHECK(answers.wanted(question(DnsName::of("other.local"), DnsType::A)) == kNoRecords);
  CHECK(answers.wanted(question(kType, DnsType::Srv)) == kNoRecords);
  CHECK(answers.wanted(DnsMessage{}) == kNoRecords);
}

TEST_CASE("an asker that knows the answer already gets none") {
  const DiscoveryAnswers answers(facts());
  DnsMessage asked = question(kType, DnsType::Ptr);
  asked.answers = answers.answer(kServicePointer, ethernet()).answers;
  CHECK(answers.wanted(asked) == kNoRecords);
  asked.answers[0].ttl = 100;  // soon forgotten
  CHECK(answers.wanted(asked) == kServicePointer);
}

TEST_CASE("an asker that is no responder gets its question back, and answers that it forgets soon") {
  const DiscoveryAnswers answers(facts());
  DnsMessage asked = question(kType, DnsType::Ptr);
  asked.questions.push_back({DnsName::of("a.very.long.name.of.somebody.else.local"), DnsType::Any, false});
  const DnsMessage answer = answers.answerTo(asked, answers.wanted(asked), ethernet());
  CHECK(answer.id == 99);
  REQUIRE(answer.questions.size() == 1);  // what is not answered is not sent back either
  for (const auto& part : {answer.answers, answer.additional}) {
    for (const DnsRecord& one : part) {
      CHECK(one.ttl <= 10);
      CHECK_FALSE(one.flush);
    }
  }
}

TEST_CASE("a daemon that goes takes back what it has told") {
  const DnsMessage gone = DiscoveryAnswers(facts()).answer(kAllRecords, ethernet(), /*gone=*/true);
  CHECK(gone.answers.size() >= 5);
  for (const DnsRecord& one : gone.answers) CHECK(one.ttl == 0);
}

TEST_CASE("a name that another one has is left to it") {
  DiscoveryAnswers answers(facts());
  const DnsMessage theirs = DiscoveryAnswers(facts()).answer(kAllRecords, ethernet());
  CHECK(answers.probe().questions.at(0).type == DnsType::Any);
  CHECK(answers.taken(theirs));
  CHECK_FALSE(answers.taken(DiscoveryAnswers(facts()).answer(kAllRecords, ethernet(), /*gone=*/true)));
  answers.takeNextName();
  CHECK(answers.name() == "My NAS (2)");
  CHECK_FALSE(answers.taken(theirs));
  answers.takeNextName();
  CHECK(answers.name() == "My NAS (3)");
  DiscoveryFacts longest = facts();
  longest.name = std::string(60, 'x') + "\xe4\xb8\xad";
  DiscoveryAnswers cut(longest);
  cut.takeNextName();
  CHECK(cut.name() == std::string(59, 'x') + " (2)");
}

TEST_CASE("only addresses that are listened on are told") {
  DiscoveryFacts one = facts();
  one.only = {"192.0.2.7"};
  const auto told = DiscoveryAnswers(one).answer(kHostAddress, ethernet()).answers;
  REQUIRE(told.size() == 1);
  CHECK(told[0].type == DnsType::A);
  one.only = {"192.0.2.8"};
  CHECK(DiscoveryAnswers(one).answer(kHostAddress, ethernet()).answers.empty());
}

TEST_CASE("what there is to tell follows from the listeners, and loopback is told on loopback only") {
  DiscoveryConfig config;
  const auto of = [&](const std::vector<std::string>& listeners, const std::string& fingerprint = "") {
    return discoveryFacts(config, listeners, fingerprint, "Nas-1.example.org");
  };
  CHECK(of({"127.0.0.1:7021", "[::1]:7021"}).port == 0);
  const DiscoveryFacts any = of({"127.0.0.1:1", "0.0.0.0:7021"});
  CHECK((any.port == 7021 && any.v4 && !any.v6 && any.only.empty()));
  CHECK(any.name == "Nas-1");
  CHECK(any.host == "Nas-1");
  CHECK(any.texts == std::vector<std::string>{"v=1", "tls=no"});
  const DiscoveryFacts both = of({"192.0.2.7:7021", "[fd00::7]:7021", "192.0.2.7:9"}, "SHA256:abc");
  CHECK((both.v4 && both.v6));
  CHECK(both.only == std::vector<std::string>{"192.0.2.7", "fd00::7"});
  CHECK(both.texts == std::vector<std::string>{"v=1", "tls=yes", "fp=SHA256:abc"});
  CHECK(of({"unix:/run/ftpd/socket"}).port == 0);
  CHECK((of({"[::]:7021"}).v4 && of({"[::]:7021"}).v6));
  config.interface = "lo";
  config.name = "Office";
  CHECK(of({"127.0.0.1:7021"}).port == 7021);
  CHECK(of({"127.0.0.1:7021"}).name == "Office");
  CHECK(discoveryFacts(config, {}, "", "\xff!").host == "ftpd");
}

TEST_CASE("neighbours are told from strangers by the networks of an interface") {
  const NetworkInterface interface = ethernet();
  for (const char* near : {"192.0.2.200", "fd00::1:2", "fe80::1"}) {
    CAPTURE(near);
    CHECK(interface.reaches(from(near)));
  }
  CHECK((interface.has("192.0.2.7") && interface.has("fd00::7")));
  CHECK_FALSE((interface.has("192.0.2.8") || interface.has("fd00::8") || interface.has("eth0")));
  for (const char* far : {"192.0.3.1", "8.8.8.8", "127.0.0.1", "fd00:0:0:1::1", "2001:db8::1", "::1"}) {
    CAPTURE(far);
    CHECK_FALSE(interface.reaches(from(far)));
  }
}
