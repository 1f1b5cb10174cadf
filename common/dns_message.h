#pragma once
// DNS messages (RFC 1035) as multicast DNS and service discovery use them (RFC 6762, 6763): a codec without sockets.
// What comes in is hostile: nothing is read behind the message, names cannot loop, and a message has bounds in every
// direction.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ft {

// A domain name as its labels, which may hold any bytes. Compared without regard to the case of ASCII letters.
struct DnsName {
  std::vector<std::string> labels;

  // "nas.local" or "nas.local.": labels between dots. Not checked; the writer refuses what is no name.
  static DnsName of(std::string_view dotted);
  // This name below another one: {"my nas"} below "_ftpc._tcp.local".
  static DnsName below(std::string label, const DnsName& parent);
  bool isBelow(const DnsName& parent) const;
  // With dots between the labels, and as it came otherwise: to be escaped before it is shown.
  std::string dotted() const;
  bool operator==(const DnsName& other) const;
};

enum class DnsType : std::uint16_t { A = 1, Ptr = 12, Txt = 16, Aaaa = 28, Srv = 33, Any = 255 };

struct DnsQuestion {
  DnsName name;
  DnsType type = DnsType::Any;
  bool unicast = false;  // an answer to the asker alone is welcome (RFC 6762 5.4)
};

struct DnsRecord {
  DnsName name;
  DnsType type = DnsType::A;
  bool flush = false;     // replaces what is known of the name and type (RFC 6762 10.2)
  std::uint32_t ttl = 0;  // seconds; 0: it is gone
  // By the type:
  DnsName target;                          // Ptr, Srv
  std::uint16_t port = 0;                  // Srv
  std::vector<std::string> texts;          // Txt: "key=value"
  std::array<std::uint8_t, 16> address{};  // Aaaa; A in the first four
};

struct DnsMessage {
  std::uint16_t id = 0;
  bool response = false;
  bool authoritative = false;
  std::vector<DnsQuestion> questions;
  std::vector<DnsRecord> answers;
  std::vector<DnsRecord> additional;
};

inline constexpr std::uint16_t kMdnsPort = 5353;
inline constexpr std::size_t kMaxDnsLabel = 63;
inline constexpr std::size_t kMaxDnsName = 255;      // as it is written: lengths and the end included
inline constexpr std::size_t kMaxDnsMessage = 9000;  // RFC 6762 17

// nullopt for what is no well-formed message, or over kMaxDnsMessage, or over 64 questions and 256 records. Left out
// are records of other types and classes than the above, questions of other classes, and authority records.
std::optional<DnsMessage> parseDnsMessage(std::span<const std::byte> bytes);

// nullopt when a name, a text or the whole is too long to be written. Names are compressed where that is allowed.
std::optional<std::vector<std::byte>> writeDnsMessage(const DnsMessage& message);

}  // namespace ft
