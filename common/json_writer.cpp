#include "common/json_writer.h"

#include <array>
#include <charconv>
#include <cstddef>

#include "common/escape.h"

namespace ft {
namespace {

bool needsEscape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }
bool isAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

void appendEscape(std::string& out, char c) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
  }
}

void appendNumber(std::string& out, auto number) {
  std::array<char, 24> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), result.ptr);
}

}  // namespace

void appendJsonString(std::string& out, std::string_view text) {
  out += '"';
  std::size_t pos = 0;
  while (pos < text.size()) {
    const std::size_t begin = pos;
    while (pos < text.size() && isAscii(text[pos]) && !needsEscape(text[pos])) ++pos;
    out.append(text, begin, pos - begin);
    if (pos == text.size()) break;
    if (isAscii(text[pos])) {
      appendEscape(out, text[pos++]);
      continue;
    }
    const std::size_t sequence = pos;
    const bool good = nextCodePoint(text, pos) != kBadCodePoint;
    out += good ? text.substr(sequence, pos - sequence) : "\xef\xbf\xbd";
  }
  out += '"';
}

void JsonWriter::key(std::string_view name) {
  separate();
  out_ += '"';
  out_ += name;
  out_ += "\":";
  needsComma_ = false;
}

void JsonWriter::value(std::string_view text) {
  separate();
  appendJsonString(out_, text);
}

void JsonWriter::value(bool flag) {
  separate();
  out_ += flag ? "true" : "false";
}

void JsonWriter::value(std::int64_t number) {
  separate();
  appendNumber(out_, number);
}

void JsonWriter::value(std::uint64_t number) {
  separate();
  appendNumber(out_, number);
}

void JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  needsComma_ = false;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  needsComma_ = true;
}

void JsonWriter::separate() {
  if (needsComma_) out_ += ',';
  needsComma_ = true;
}

}  // namespace ft
