#include "common/escape.h"

#include <doctest/doctest.h>

using namespace ft;

TEST_CASE("text that is safe stays as it is") {
  for (const std::string_view text :
       {"", "plain text", "caf\xc3\xa9", "\xf0\x9f\x98\x80 \xe6\x97\xa5", "\"quoted\" 'too'"}) {
    CHECK(escapeText(text) == text);
  }
}

TEST_CASE("control characters, line separators and bidirectional controls are shown as bytes") {
  CHECK(escapeText(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(escapeText("a\nb\r\t") == "a\\x0ab\\x0d\\x09");
  CHECK(escapeText("\x1b[31m") == "\\x1b[31m");
  CHECK(escapeText("\x7f") == "\\x7f");
  CHECK(escapeText("\xc2\x9b") == "\\xc2\\x9b");
  CHECK(escapeText("\xe2\x80\xa8\xe2\x80\xa9") == "\\xe2\\x80\\xa8\\xe2\\x80\\xa9");
  CHECK(escapeText("\xe2\x80\xae"
                   "txt") == "\\xe2\\x80\\xaetxt");
}

TEST_CASE("a backslash is doubled, so that escaped text cannot be mistaken for another") {
  CHECK(escapeText("\\x0a") == "\\\\x0a");
  CHECK(escapeText("a\\") == "a\\\\");
}

TEST_CASE("bytes that are not UTF-8 are shown one by one") {
  CHECK(escapeText("a\xff\xfe"
                   "b") == "a\\xff\\xfeb");
  CHECK(escapeText("\xc3") == "\\xc3");
  CHECK(escapeText("\xed\xa0\x80") == "\\xed\\xa0\\x80");
}

TEST_CASE("every single byte comes out as printable UTF-8 on one line") {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string escaped = escapeText(std::string(1, static_cast<char>(byte)));
    CAPTURE(byte);
    CHECK_FALSE(escaped.empty());
    for (const char c : escaped) CHECK((c >= 0x20 && c < 0x7f));
  }
}

TEST_CASE("long text is cut near the limit, never inside a character") {
  CHECK(escapeText("abcdef", 3) == "abc...");
  CHECK(escapeText("abc", 3) == "abc");
  const std::string cut = escapeText("ab\xe6\x97\xa5\xe6\x97\xa5", 3);
  CHECK(cut == "ab\xe6\x97\xa5...");
  CHECK(escapeText(std::string(100'000, '\n')).size() < 1040);
}

TEST_CASE("UTF-8 is accepted in its shortest form only, up to U+10FFFF and without surrogates") {
  for (const std::string_view good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                      "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(isUtf8(good));
  }
  for (const std::string_view bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", "\xc2", "\xe2\x82", "\xf0\x9f\x98",
        "\xc2"
        "a",
        "\xe2\x82"
        "a"}) {
    CAPTURE(bad.size());
    CHECK_FALSE(isUtf8(bad));
  }
}

TEST_CASE("code points are decoded one after the other, and a bad byte costs one step") {
  const std::string_view text = "a\xc3\xa9\xff\xf0\x9f\x98\x80";
  std::size_t pos = 0;
  CHECK(nextCodePoint(text, pos) == U'a');
  CHECK(nextCodePoint(text, pos) == char32_t{0xe9});
  CHECK(nextCodePoint(text, pos) == kBadCodePoint);
  CHECK(pos == 4);
  CHECK(nextCodePoint(text, pos) == char32_t{0x1f600});
  CHECK(pos == text.size());
}
