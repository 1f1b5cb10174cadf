#pragma once
// Makes text from outside safe to show in a log or on a terminal.

#include <cstddef>
#include <string>
#include <string_view>

namespace ft {

// Well-formed UTF-8 (shortest form, no surrogates, up to U+10FFFF; RFC 3629)?
bool isUtf8(std::string_view text);

// True for what a terminal or a reader of logs could be fooled by: C0, DEL, C1, U+2028/9, bidirectional controls
// (U+202A-E, U+2066-9).
bool isUnsafeCodePoint(char32_t c);

// `text` with unsafe code points and bytes that are not UTF-8 written as \xNN (each byte), backslash as \\, and cut to
// about `limit` bytes with "..." behind. The result is valid UTF-8 on one line.
std::string escapeText(std::string_view text, std::size_t limit = 1024);

// The code point that begins at text[pos], advancing pos behind it; U+FFFFFFFF when there is none that is well formed
// (pos advances by one).
inline constexpr char32_t kBadCodePoint = 0xffffffff;
char32_t nextCodePoint(std::string_view text, std::size_t& pos);

}  // namespace ft
