#include "common/file_name.h"

#include <doctest/doctest.h>

#include "common/error.h"

using namespace ft;

namespace {

std::string times(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

// "" when the name is allowed, else the message.
std::string refusal(std::string_view name) {
  try {
    const FileName parsed = FileName::parse(name);
    CHECK(parsed.text() == name);
    return "";
  } catch (const Failure& failure) {
    CHECK(failure.code() == ErrorCode::NameInvalid);
    return failure.what();
  }
}

bool mentions(const std::string& text, std::string_view word) { return text.find(word) != std::string::npos; }

}  // namespace

TEST_CASE("ordinary and odd names are allowed as they are") {
  for (const std::string_view name : {"a",
                                      "a.txt",
                                      "d/a.txt",
                                      " ",
                                      "a b",
                                      "-x",
                                      "%2e%2e",
                                      "...",
                                      "..a",
                                      "a..",
                                      ".hidden",
                                      "~",
                                      "C:",
                                      "a:b",
                                      "*?<>|\"'`$",
                                      "caf\xc3\xa9",
                                      "\xe6\x97\xa5\xe6\x9c\xac",
                                      "\xf0\x9f\x98\x80",
                                      "\xe2\x80\xa6",
                                      "d/.ftpd",
                                      ".ftpd2",
                                      ".FTPD2",
                                      "d/.FTPD"}) {
    CAPTURE(name);
    CHECK(refusal(name) == "");
  }
}

TEST_CASE("empty names, empty parts and slashes at an end are refused") {
  for (const std::string_view name : {"", "/", "/a", "a/", "a//b", "//", "a//", "//a"}) {
    CAPTURE(name);
    CHECK_FALSE(refusal(name).empty());
  }
}

TEST_CASE("of a name that begins with a slash it is told how to write it") {
  CHECK(mentions(refusal("/dst"), "it begins with '/'; names begin at the root: write 'dst'"));
  CHECK(mentions(refusal("///d/e"), "write 'd/e'"));
  CHECK(refusal("//").ends_with("it begins with '/'"));
}

TEST_CASE("parts that mean this folder or the one above are refused wherever they stand") {
  for (const std::string_view name : {".", "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b", "a/b/../../.."}) {
    CAPTURE(name);
    CHECK(mentions(refusal(name), "part '."));
  }
}

TEST_CASE("the daemon's own folder is refused at the top and only there") {
  CHECK(mentions(refusal(".ftpd"), "own folder"));
  CHECK(mentions(refusal(".ftpd/parts/x"), "own folder"));
  for (const char* other : {".FTPD", ".Ftpd/lock", ".ftpD/parts/x", ".fTPd"}) {
    CAPTURE(other);
    CHECK(mentions(refusal(other), "own folder"));
  }
  CHECK(refusal("a/.ftpd") == "");
}

TEST_CASE("a part of 255 bytes is allowed and one of 256 is not") {
  CHECK(refusal(times("a", 255)) == "");
  CHECK(mentions(refusal(times("a", 256)), "longer than 255"));
  CHECK(refusal(times("\xc3\xa9", 127)) == "");
  CHECK(mentions(refusal(times("\xc3\xa9", 128)), "longer than 255"));
  CHECK(refusal("d/" + times("b", 255) + "/c") == "");
  CHECK(mentions(refusal("d/" + times("b", 256) + "/c"), "longer than 255"));
}

TEST_CASE("a name of 4,095 bytes is allowed and one of 4,096 is not") {
  const std::string longest = times(times("a", 255) + "/", 15) + times("b", 254) + "/";
  REQUIRE(longest.size() == 4095);
  const std::string parts16 = longest.substr(0, 4093);
  CHECK(refusal(parts16 + "/c") == "");
  CHECK(mentions(refusal(parts16 + "/cc"), "longer than 4095"));
}

TEST_CASE("64 parts are allowed and 65 are not") {
  CHECK(refusal(times("a/", 63) + "a") == "");
  CHECK(mentions(refusal(times("a/", 64) + "a"), "more than 64 parts"));
}

TEST_CASE("each forbidden code point is refused at each place, and its neighbours are not") {
  const std::vector<std::pair<char32_t, char32_t>> forbidden{{0x00, 0x1f},     {0x7f, 0x9f},     {0x5c, 0x5c},
                                                             {0x2028, 0x2029}, {0x202a, 0x202e}, {0x2066, 0x2069}};
  const auto encode = [](char32_t c) {
    std::string text;
    if (c < 0x80) return text += static_cast<char>(c);
    if (c < 0x800) {
      text += static_cast<char>(0xc0U | (c >> 6));
      return text += static_cast<char>(0x80U | (c & 0x3fU));
    }
    text += static_cast<char>(0xe0U | (c >> 12));
    text += static_cast<char>(0x80U | ((c >> 6) & 0x3fU));
    return text += static_cast<char>(0x80U | (c & 0x3fU));
  };
  for (const auto& [first, last] : forbidden) {
    for (char32_t c = first; c <= last; ++c) {
      CAPTURE(static_cast<std::uint32_t>(c));
      for (const std::string& name : {encode(c), "a" + encode(c), encode(c) + "a", "d/" + encode(c) + "/b"}) {
        CHECK_FALSE(refusal(name).empty());
      }
    }
  }
  for (const char32_t c : {0x20U, 0x7eU, 0xa0U, 0x5bU, 0x5dU, 0x2027U, 0x202fU, 0x2065U, 0x206aU, 0xfeffU}) {
    CAPTURE(static_cast<std::uint32_t>(c));
    CHECK(refusal(encode(c)) == "");
  }
}

TEST_CASE("text that is not UTF-8 is refused") {
  for (const std::string_view name : {"\x80",
                                      "\xff",
                                      "\xfe",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xe0\x80\xaf",
                                      "\xe0\x9f\xbf",
                                      "\xf0\x80\x80\xaf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xc3",
                                      "a\xc3",
                                      "\xe2\x82",
                                      "\xf0\x9f\x98",
                                      "\xc3/",
                                      "\xe2\x82/a",
                                      "\xc0\xae\xc0\xae/x"}) {
    CAPTURE(name.size());
    CHECK_FALSE(refusal(name).empty());
  }
}

TEST_CASE("the message shows the name escaped and cut") {
  const std::string message = refusal("evil\x1b[2J" + times("n", 10'000));
  CHECK(mentions(message, "evil\\x1b[2J"));
  CHECK(message.size() < 400);
}

TEST_CASE("a folder's name may be empty and is the root then") {
  CHECK(FileName::parseFolder("").isRoot());
  CHECK(FileName::parseFolder("") == FileName::root());
  CHECK(FileName::parseFolder("d/e").text() == "d/e");
  CHECK_THROWS_AS(FileName::parseFolder(".."), Failure);
  CHECK_THROWS_AS(FileName::parseFolder("/"), Failure);
}

TEST_CASE("a name gives its parts, its leaf and its parent") {
  const FileName name = FileName::parse("d/e/f.txt");
  CHECK(name.parts() == std::vector<std::string_view>{"d", "e", "f.txt"});
  CHECK(name.leaf() == "f.txt");
  CHECK(name.parent().text() == "d/e");
  CHECK(name.parent().parent().parent().isRoot());
  CHECK(FileName::root().parts().empty());
  CHECK(FileName::root().leaf() == "");
  CHECK(FileName::root().parent().isRoot());
}

TEST_CASE("a child is checked like any name") {
  CHECK(FileName::root().child("a").text() == "a");
  CHECK(FileName::parse("d").child("e/f").text() == "d/e/f");
  CHECK(FileName::parse("d").child(".ftpd").text() == "d/.ftpd");
  for (const std::string_view leaf : {"", "..", "/x", "x/", "../x", "a\nb"}) {
    CAPTURE(leaf);
    CHECK_THROWS_AS(FileName::parse("d").child(leaf), Failure);
    CHECK_THROWS_AS(FileName::root().child(leaf), Failure);
    CHECK_FALSE(FileName::parse("d").canHold(leaf));
  }
  CHECK_THROWS_AS(FileName::root().child(".ftpd"), Failure);
  CHECK(FileName::parse("d").canHold(".ftpd"));
  CHECK_FALSE(FileName::root().canHold(".ftpd"));
}

TEST_CASE("a name is below every folder above it, and not below itself or a name that only begins like it") {
  CHECK(isBelow("a/b/c", "a/b"));
  CHECK(isBelow("a/b/c", "a"));
  CHECK(isBelow("a", ""));
  CHECK_FALSE(isBelow("", ""));
  CHECK_FALSE(isBelow("a/b", "a/b"));
  CHECK_FALSE(isBelow("a/bc", "a/b"));
  CHECK_FALSE(isBelow("a", "a/b"));
}
