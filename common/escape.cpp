#include "common/escape.h"

namespace ft {
namespace {

// The form of a sequence by its first byte (RFC 3629, table in section 4): how many bytes follow and the range of the
// first of them.
struct SequenceForm {
  std::size_t following;
  unsigned char low;
  unsigned char high;
};

SequenceForm formOf(unsigned char lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return {1, 0x80, 0xbf};
  if (lead == 0xe0) return {2, 0xa0, 0xbf};
  if (lead == 0xed) return {2, 0x80, 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {2, 0x80, 0xbf};
  if (lead == 0xf0) return {3, 0x90, 0xbf};
  if (lead >= 0xf1 && lead <= 0xf3) return {3, 0x80, 0xbf};
  if (lead == 0xf4) return {3, 0x80, 0x8f};
  return {0, 0, 0};
}

unsigned char byteAt(std::string_view text, std::size_t pos) { return static_cast<unsigned char>(text[pos]); }

void appendHexEscapes(std::string& out, std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

}  // namespace

char32_t nextCodePoint(std::string_view text, std::size_t& pos) {
  const unsigned char lead = byteAt(text, pos);
  if (lead < 0x80) {
    ++pos;
    return lead;
  }
  const SequenceForm form = formOf(lead);
  if (form.following == 0 || text.size() - pos <= form.following || byteAt(text, pos + 1) < form.low ||
      byteAt(text, pos + 1) > form.high) {
    ++pos;
    return kBadCodePoint;
  }
  char32_t c = lead & (0x3fU >> form.following);
  for (std::size_t i = 1; i <= form.following; ++i) {
    const unsigned char byte = byteAt(text, pos + i);
    if ((byte & 0xc0U) != 0x80U) {
      ++pos;
      return kBadCodePoint;
    }
    c = (c << 6U) | (byte & 0x3fU);
  }
  pos += form.following + 1;
  return c;
}

bool isUtf8(std::string_view text) {
  for (std::size_t pos = 0; pos < text.size();) {
    if (nextCodePoint(text, pos) == kBadCodePoint) return false;
  }
  return true;
}

bool isUnsafeCodePoint(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

std::string escapeText(std::string_view text, std::size_t limit) {
  std::string out;
  out.reserve(text.size() < limit ? text.size() : limit);
  for (std::size_t pos = 0; pos < text.size();) {
    if (out.size() >= limit) return out + "...";
    const std::size_t begin = pos;
    const char32_t c = nextCodePoint(text, pos);
    const std::string_view bytes = text.substr(begin, pos - begin);
    if (c == kBadCodePoint || isUnsafeCodePoint(c)) {
      appendHexEscapes(out, bytes);
    } else {
      if (c == '\\') out += '\\';
      out += bytes;
    }
  }
  return out;
}

}  // namespace ft
