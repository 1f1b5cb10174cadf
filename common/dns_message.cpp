#include "common/dns_message.h"

#include <algorithm>
#include <map>
#include <utility>

namespace ft {
namespace {

constexpr std::size_t kMostQuestions = 64;
constexpr std::size_t kMostRecords = 256;
// No honest name needs more: each goes back to an earlier one that is written already.
constexpr int kMostPointers = 16;
constexpr std::uint16_t kInternet = 1;
constexpr std::uint16_t kTopBit = 0x8000;  // of the class: "unicast" of a question, "flush" of a record
constexpr std::uint16_t kResponseFlag = 0x8000;
constexpr std::uint16_t kAuthoritativeFlag = 0x0400;
constexpr std::uint16_t kOpcodeAndCode = 0x780f;
constexpr unsigned kPointerMark = 0xc0;
constexpr std::size_t kPointerRange = 0x4000;
constexpr std::size_t kMaxText = 255;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool sameLabel(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

// Reads forwards; what would go behind the end fails, and stays failed.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  bool atEnd() const { return at_ == bytes_.size(); }
  std::size_t at() const { return at_; }

  std::uint8_t octet() {
    if (at_ >= bytes_.size()) failed_ = true;
    return failed_ ? std::uint8_t{0} : std::to_integer<std::uint8_t>(bytes_[at_++]);
  }
  std::uint16_t word() {
    const unsigned high = octet();
    return static_cast<std::uint16_t>(high << 8 | octet());
  }
  std::uint32_t longWord() {
    const std::uint32_t high = word();
    return high << 16 | word();
  }
  std::string text(std::size_t size) {
    if (failed_ || bytes_.size() - at_ < size) {
      failed_ = true;
      return {};
    }
    const std::size_t from = std::exchange(at_, at_ + size);
    return std::string(reinterpret_cast<const char*>(bytes_.data()) + from, size);
  }

  // Every pointer goes to before the place where the name, or the part that a pointer led to, began: so it cannot loop.
  DnsName name() {
    DnsName name;
    std::size_t size = 1;
    std::size_t begin = at_;
    std::optional<std::size_t> after;  // where reading goes on behind the first pointer
    for (int pointers = 0; !failed_;) {
      const unsigned length = octet();
      if (failed_ || length == 0) break;
      if (length >= kPointerMark) {
        const std::size_t target = (length - kPointerMark) << 8 | octet();
        if (!after) after = at_;
        if (target >= begin || ++pointers > kMostPointers) failed_ = true;
        at_ = begin = target;
        continue;
      }
      size += length + 1;
      if (length > kMaxDnsLabel || size > kMaxDnsName) failed_ = true;
      if (!failed_) name.labels.push_back(text(length));
    }
    if (after) at_ = *after;
    return name;
  }

  void skipTo(std::size_t end) {
    if (end > bytes_.size() || end < at_) failed_ = true;
    if (!failed_) at_ = end;
  }
  void fail() { failed_ = true; }
  std::size_t size() const { return bytes_.size(); }

 private:
  const std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

bool knownType(std::uint16_t type) {
  switch (static_cast<DnsType>(type)) {
    case DnsType::A:
    case DnsType::Ptr:
    case DnsType::Txt:
    case DnsType::Aaaa:
    case DnsType::Srv: return true;
    case DnsType::Any: return false;
  }
  return false;
}

void readData(Reader& reader, DnsRecord& record, std::size_t end) {
  switch (record.type) {
    case DnsType::A:
    case DnsType::Aaaa:
      for (std::size_t i = 0; i < (record.type == DnsType::A ? 4U : 16U); ++i) record.address[i] = reader.octet();
      break;
    case DnsType::Srv:
      reader.longWord();  // priority and weight
      record.port = reader.word();
      record.target = reader.name();
      break;
    case DnsType::Ptr: record.target = reader.name(); break;
    case DnsType::Txt:
      while (!reader.failed() && reader.at() < end) record.texts.push_back(reader.text(reader.octet()));
      break;
    case DnsType::Any: break;
  }
}

// One record, or nullopt for one that is left out.
std::optional<DnsRecord> readRecord(Reader& reader) {
  DnsRecord record;
  record.name = reader.name();
  const std::uint16_t type = reader.word();
  const std::uint16_t kind = reader.word();
  record.ttl = reader.longWord();
  const std::size_t length = reader.word();
  const std::size_t end = reader.at() + length;
  if (reader.failed() || end > reader.size()) {
    reader.fail();
    return std::nullopt;
  }
  record.flush = (kind & kTopBit) != 0;
  if ((kind & ~kTopBit) != kInternet || !knownType(type)) {
    reader.skipTo(end);
    return std::nullopt;
  }
  record.type = static_cast<DnsType>(type);
  readData(reader, record, end);
  if (reader.at() != end) reader.fail();
  return record;
}

void readRecords(Reader& reader, std::size_t count, std::vector<DnsRecord>& into) {
  for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
    if (auto record = readRecord(reader)) into.push_back(std::move(*record));
  }
}

class Writer {
 public:
  void octet(std::size_t value) { bytes_.push_back(static_cast<std::byte>(value)); }
  void word(std::size_t value) {
    octet(value >> 8 & 0xff);
    octet(value & 0xff);
  }
  void longWord(std::uint32_t value) {
    word(value >> 16);
    word(value & 0xffff);
  }
  void text(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

  // The places of names that others may point to are remembered by what is written from there to the end.
  void name(const DnsName& name, bool mayPoint = true) {
    std::size_t size = 1;
    std::string rest = key(name);
    if (name.labels.empty()) good_ = false;
    for (const std::string& label : name.labels) {
      const auto earlier = places_.find(rest);
      if (mayPoint && earlier != places_.end()) {
        word(kPointerMark << 8 | earlier->second);
        return;
      }
      if (bytes_.size() < kPointerRange) places_.emplace(rest, bytes_.size());
      size += label.size() + 1;
      if (label.empty() || label.size() > kMaxDnsLabel || size > kMaxDnsName) good_ = false;
      octet(label.size());
      text(label);
      rest.erase(0, label.size() + 1);
    }
    octet(0);
  }

  void record(const DnsRecord& record) {
    name(record.name);
    word(static_cast<std::uint16_t>(record.type));
    word(kInternet | (record.flush ? kTopBit : 0U));
    longWord(record.ttl);
    const std::size_t place = bytes_.size();
    word(0);
    data(record);
    const std::size_t length = bytes_.size() - place - 2;
    bytes_[place] = static_cast<std::byte>(length >> 8);
    bytes_[place + 1] = static_cast<std::byte>(length & 0xff);
  }

  std::optional<std::vector<std::byte>> take() {
    if (!good_ || bytes_.size() > kMaxDnsMessage) return std::nullopt;
    return std::move(bytes_);
  }

 private:
  // Labels with their lengths before them, in lower case.
  static std::string key(const DnsName& name) {
    std::string text;
    for (const std::string& label : name.labels) {
      text += static_cast<char>(label.size());
      std::transform(label.begin(), label.end(), std::back_inserter(text), lower);
    }
    return text;
  }

  void data(const DnsRecord& record) {
    switch (record.type) {
      case DnsType::A:
      case DnsType::Aaaa:
        for (std::size_t i = 0; i < (record.type == DnsType::A ? 4U : 16U); ++i) octet(record.address[i]);
        break;
      case DnsType::Srv:
        longWord(0);
        word(record.port);
        name(record.target, /*mayPoint=*/false);  // old askers do not understand it there (RFC 6762 18.14)
        break;
      case DnsType::Ptr: name(record.target); break;
      case DnsType::Txt:
        if (record.texts.empty()) octet(0);
        for (const std::string& one : record.texts) {
          if (one.size() > kMaxText) good_ = false;
          octet(one.size());
          text(one);
        }
        break;
      case DnsType::Any: good_ = false;
    }
  }

  std::vector<std::byte> bytes_;
  std::map<std::string, std::size_t> places_;
  bool good_ = true;
};

}  // namespace

DnsName DnsName::of(std::string_view dotted) {
  DnsName name;
  while (!dotted.empty()) {
    const std::size_t dot = std::min(dotted.find('.'), dotted.size());
    name.labels.emplace_back(dotted.substr(0, dot));
    dotted.remove_prefix(std::min(dot + 1, dotted.size()));
  }
  return name;
}

DnsName DnsName::below(std::string label, const DnsName& parent) {
  DnsName name = parent;
  name.labels.insert(name.labels.begin(), std::move(label));
  return name;
}

bool DnsName::isBelow(const DnsName& parent) const {
  return labels.size() > parent.labels.size() &&
         std::equal(parent.labels.rbegin(), parent.labels.rend(), labels.rbegin(), sameLabel);
}

std::string DnsName::dotted() const {
  std::string text;
  for (const std::string& label : labels) text += (text.empty() ? "" : ".") + label;
  return text;
}

bool DnsName::operator==(const DnsName& other) const {
  return std::equal(labels.begin(), labels.end(), other.labels.begin(), other.labels.end(), sameLabel);
}

std::optional<DnsMessage> parseDnsMessage(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxDnsMessage) return std::nullopt;
  Reader reader(bytes);
  DnsMessage message;
  message.id = reader.word();
  const std::uint16_t flags = reader.word();
  const std::size_t questions = reader.word();
  const std::size_t answers = reader.word();
  const std::size_t authority = reader.word();
  const std::size_t additional = reader.word();
  if (reader.failed() || (flags & kOpcodeAndCode) != 0) return std::nullopt;
  if (questions > kMostQuestions || answers + authority + additional > kMostRecords) return std::nullopt;
  message.response = (flags & kResponseFlag) != 0;
  message.authoritative = (flags & kAuthoritativeFlag) != 0;
  for (std::size_t i = 0; i < questions && !reader.failed(); ++i) {
    DnsQuestion question;
    question.name = reader.name();
    question.type = static_cast<DnsType>(reader.word());
    const std::uint16_t kind = reader.word();
    question.unicast = (kind & kTopBit) != 0;
    const bool ours = (kind & ~kTopBit) == kInternet || (kind & ~kTopBit) == static_cast<std::uint16_t>(DnsType::Any);
    if (ours) message.questions.push_back(std::move(question));
  }
  std::vector<DnsRecord> passedOver;
  readRecords(reader, answers, message.answers);
  readRecords(reader, authority, passedOver);
  readRecords(reader, additional, message.additional);
  if (reader.failed()) return std::nullopt;
  return message;
}

std::optional<std::vector<std::byte>> writeDnsMessage(const DnsMessage& message) {
  Writer writer;
  writer.word(message.id);
  writer.word((message.response ? kResponseFlag : 0U) | (message.authoritative ? kAuthoritativeFlag : 0U));
  writer.word(message.questions.size());
  writer.word(message.answers.size());
  writer.word(0);
  writer.word(message.additional.size());
  for (const DnsQuestion& question : message.questions) {
    writer.name(question.name);
    writer.word(static_cast<std::uint16_t>(question.type));
    writer.word(kInternet | (question.unicast ? kTopBit : 0U));
  }
  for (const DnsRecord& record : message.answers) writer.record(record);
  for (const DnsRecord& record : message.additional) writer.record(record);
  return writer.take();
}

}  // namespace ft
