#include "common/dns_message.h"

#include <doctest/doctest.h>

#include <string>

using namespace ft;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytesOf(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

DnsRecord record(const DnsName& name, DnsType type, std::uint32_t ttl) {
  DnsRecord one;
  one.name = name;
  one.type = type;
  one.ttl = ttl;
  return one;
}

// One record of each type, as a daemon answers.
DnsMessage fullAnswer() {
  const DnsName service = DnsName::of("_ftpc._tcp.local");
  const DnsName instance = DnsName::below("My.NAS \xc3\xa9", service);
  const DnsName host = DnsName::of("nas.local");
  DnsMessage message;
  message.id = 7;
  message.response = message.authoritative = true;
  message.questions.push_back({service, DnsType::Ptr, true});
  message.answers.push_back(record(service, DnsType::Ptr, 4500));
  message.answers.back().target = instance;
  message.additional.push_back(record(instance, DnsType::Srv, 120));
  message.additional.back().flush = true;
  message.additional.back().port = 7021;
  message.additional.back().target = host;
  message.additional.push_back(record(instance, DnsType::Txt, 4500));
  message.additional.back().texts = {"v=1", "fp=SHA256:abc", ""};
  message.additional.push_back(record(host, DnsType::A, 120));
  message.additional.back().address = {192, 0, 2, 1};
  message.additional.push_back(record(host, DnsType::Aaaa, 120));
  message.additional.back().address = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return message;
}

// The head of a message with so many questions and answers.
std::string head(char questions, char answers) { return std::string{0, 0, 0, 0, 0, questions, 0, answers, 0, 0, 0, 0}; }

bool good(const std::string& text) { return parseDnsMessage(bytesOf(text)).has_value(); }

}  // namespace

TEST_CASE("what is written is read back, each type of record and every field") {
  const DnsMessage sent = fullAnswer();
  const auto bytes = writeDnsMessage(sent);
  REQUIRE(bytes);
  const auto read = parseDnsMessage(*bytes);
  REQUIRE(read);
  CHECK(read->id == 7);
  CHECK((read->response && read->authoritative));
  REQUIRE(read->questions.size() == 1);
  CHECK(read->questions[0].name == sent.questions[0].name);
  CHECK(read->questions[0].unicast);
  REQUIRE(read->answers.size() == 1);
  CHECK(read->answers[0].target.labels == sent.answers[0].target.labels);
  REQUIRE(read->additional.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    const DnsRecord& a = sent.additional[i];
    const DnsRecord& b = read->additional[i];
    CHECK(a.name == b.name);
    CHECK(a.type == b.type);
    CHECK(a.flush == b.flush);
    CHECK(a.ttl == b.ttl);
    CHECK(a.target == b.target);
    CHECK(a.port == b.port);
    CHECK(a.texts == b.texts);
    CHECK(a.address == b.address);
  }
}

TEST_CASE("a name that was written before is pointed to, but never from an SRV record") {
  const auto bytes = writeDnsMessage(fullAnswer());
  REQUIRE(bytes);
  const std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  CHECK(text.find("_ftpc") == text.rfind("_ftpc"));
  CHECK(text.find("My.NAS") == text.rfind("My.NAS"));
  CHECK(text.find("\3nas\5local") != std::string::npos);
}

TEST_CASE("a message that is cut anywhere is refused, and so is one of any changed byte or read without harm") {
  const Bytes whole = *writeDnsMessage(fullAnswer());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(parseDnsMessage(std::span(whole).first(size)).has_value());
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int value : {0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff}) {
      Bytes changed = whole;
      changed[at] = static_cast<std::byte>(value);
      const auto read = parseDnsMessage(changed);
      if (read) CHECK(read->answers.size() + read->additional.size() <= 256);
    }
  }
}

TEST_CASE("pointers that loop, lead forwards, or chain for long are refused") {
  const std::string tail{0, 12, 0, 1};
  CHECK_FALSE(good(head(1, 0) + "\xc0\x0c" + tail));          // to itself
  CHECK_FALSE(good(head(1, 0) + "\xc0\x0e" + tail + "\1a"));  // forwards
  CHECK_FALSE(good(head(1, 0) + "\xff\xff" + tail));          // behind the end
  CHECK_FALSE(good(head(1, 0) + "\1a\xc0\x0c" + tail));       // a label, and back to it
  // A chain of forty stands in the data of a record that is passed over.
  std::string message = head(1, 2) + std::string("\1a\0", 3) + tail;
  const std::string before{0, 0, 99, 0, 1, 0, 0, 0, 0, 0, static_cast<char>(80)};
  std::string links;
  std::size_t to = 12;
  for (int i = 0; i < 40; ++i) {
    links += std::string{static_cast<char>(0xc0), static_cast<char>(to)};
    to = message.size() + before.size() + links.size() - 2;
  }
  message += before + links;
  const std::string last =
      std::string{static_cast<char>(0xc0), static_cast<char>(to)} + std::string{0, 99, 0, 1, 0, 0, 0, 0, 0, 0};
  CHECK_FALSE(good(message + last));
  const std::string direct = std::string{static_cast<char>(0xc0), 12} + std::string{0, 99, 0, 1, 0, 0, 0, 0, 0, 0};
  CHECK(good(message + direct));
}

TEST_CASE("names and labels over their length, and reserved kinds of label, are refused") {
  const std::string tail{0, 12, 0, 1};
  const std::string label = std::string(1, 63) + std::string(63, 'x');
  const auto labels = [&](std::size_t last) {
    return label + label + label + std::string(1, static_cast<char>(last)) + std::string(last, 'y') + std::string(1, 0);
  };
  CHECK(good(head(1, 0) + labels(61) + tail));
  CHECK_FALSE(good(head(1, 0) + labels(62) + tail));
  CHECK_FALSE(good(head(1, 0) + "\x40" + std::string(64, 'x') + std::string(1, 0) + tail));
  CHECK_FALSE(good(head(1, 0) + "\x80" + std::string(128, 'x') + std::string(1, 0) + tail));
}

TEST_CASE("counts that promise more than there can be are refused before anything is made for them") {
  CHECK_FALSE(good(std::string("\0\0\0\0\xff\xff\0\0\0\0\0\0", 12)));
  CHECK_FALSE(good(std::string("\0\0\0\0\0\0\xff\xff\0\0\0\0", 12)));
  CHECK_FALSE(good(std::string("\0\0\0\0\0\0\0\0\0\0\1\1", 12)));
  CHECK_FALSE(parseDnsMessage(Bytes(kMaxDnsMessage + 1)).has_value());
}

TEST_CASE("data that is shorter or longer than its type is refused") {
  const std::string name("\1a\0", 3);
  const auto answer = [&](char type, const std::string& data) {
    return head(0, 1) + name + std::string{0, type, 0, 1, 0, 0, 0, 1, 0, static_cast<char>(data.size())} + data;
  };
  CHECK(good(answer(1, "1234")));
  CHECK_FALSE(good(answer(1, "123")));
  CHECK_FALSE(good(answer(1, "12345")));
  CHECK(good(answer(28, std::string(16, 'x'))));
  CHECK_FALSE(good(answer(28, std::string(4, 'x'))));
  CHECK(good(answer(16, "\3abc")));
  CHECK_FALSE(good(answer(16, "\4abc")));
  CHECK_FALSE(good(answer(33, "123456")));
  CHECK(good(answer(33, "123456" + name)));
}

TEST_CASE("other types, classes and codes are passed over or refused") {
  const std::string name("\1a\0", 3);
  const std::string other = head(0, 1) + name + std::string{0, 99, 0, 1, 0, 0, 0, 1, 0, 2} + "ab";
  CHECK(parseDnsMessage(bytesOf(other))->answers.empty());
  const std::string chaos =
      head(1, 1) + name + std::string{0, 12, 0, 3} + name + std::string{0, 1, 0, 3, 0, 0, 0, 1, 0, 4} + "abcd";
  CHECK(parseDnsMessage(bytesOf(chaos))->questions.empty());
  CHECK(parseDnsMessage(bytesOf(chaos))->answers.empty());
  CHECK_FALSE(good(std::string("\0\0\x28\0\0\0\0\0\0\0\0\0", 12)));  // an update
  CHECK_FALSE(good(std::string("\0\0\x80\3\0\0\0\0\0\0\0\0", 12)));  // "no such name"
}

TEST_CASE("names are compared without regard to case, and may be below another one") {
  const DnsName service = DnsName::of("_ftpc._tcp.local");
  CHECK(service == DnsName::of("_FTPC._tcp.LOCAL."));
  CHECK(DnsName::below("x", service).isBelow(service));
  CHECK_FALSE(service.isBelow(service));
  CHECK_FALSE(DnsName::of("a.tcp.local").isBelow(service));
  CHECK(DnsName::below("a.b", service).labels.front() == "a.b");
}

TEST_CASE("what cannot be written is refused") {
  DnsMessage message;
  message.questions.push_back({DnsName::of(std::string(64, 'x') + ".local"), DnsType::A, false});
  CHECK_FALSE(writeDnsMessage(message));
  message.questions = {{DnsName::of("a..local"), DnsType::A, false}};
  CHECK_FALSE(writeDnsMessage(message));
  message.questions.clear();
  message.answers.push_back(record(DnsName::of("a.local"), DnsType::Txt, 1));
  message.answers.back().texts = {std::string(256, 'x')};
  CHECK_FALSE(writeDnsMessage(message));
  message.answers.back().texts.assign(40, std::string(255, 'x'));
  CHECK_FALSE(writeDnsMessage(message));
}
