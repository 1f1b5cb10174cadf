#include <doctest/doctest.h>

#include <chrono>
#include <ctime>

#include "common/header.h"
#include "common/protocol.h"

using namespace ft;

namespace {

bool accepts(const std::string& json) {
  HeaderParser parser;
  try {
    parser.parse(json);
    return true;
  } catch (const HeaderError& error) {
    CHECK(error.code() == ErrorCode::BadRequest);
    return false;
  }
}

std::string nested(std::size_t depth, std::string_view open, std::string_view close, std::string_view inner) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += inner;
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

// What of {"v":1,KEY:VALUE} is accepted: for keys whose type is told by name.
const std::vector<std::pair<std::string, std::string>> kTypedKeys{{"cmd", "string"},      {"id", "id"},
                                                                  {"filename", "string"}, {"filesize", "count"},
                                                                  {"md5", "hex"},         {"sha256", "hex"},
                                                                  {"xxh128", "hex"},      {"digest", "string"},
                                                                  {"mtime_ns", "int"},    {"mtime", "int"},
                                                                  {"mode", "count"},      {"ok", "bool"},
                                                                  {"error", "string"},    {"message", "string"},
                                                                  {"body", "string"},     {"offset", "count"},
                                                                  {"length", "count"},    {"have", "count"},
                                                                  {"data_size", "count"}, {"replace", "bool"},
                                                                  {"parents", "bool"},    {"recursive", "bool"},
                                                                  {"to", "string"},       {"limit", "count"},
                                                                  {"after", "string"},    {"names", "strings"},
                                                                  {"sizes", "counts"},    {"mtimes_ns", "ints"},
                                                                  {"type", "string"},     {"action", "string"},
                                                                  {"entries", "entries"}, {"next", "string"},
                                                                  {"skipped", "count"},   {"need", "counts"},
                                                                  {"server", "string"},   {"versions", "counts"},
                                                                  {"digests", "strings"}, {"commands", "strings"},
                                                                  {"limits", "object"},   {"modes", "counts"}};

const std::vector<std::pair<std::string, std::string>> kSamples{{"null", "id"},
                                                                {"true", "bool id"},
                                                                {"\"x\"", "string id"},
                                                                {"7", "count int id"},
                                                                {"-7", "int id"},
                                                                {"1.5", "id"},
                                                                {"1e2", "id"},
                                                                {"[\"x\"]", "strings id"},
                                                                {"[7]", "counts ints id"},
                                                                {"[-7]", "ints id"},
                                                                {"[1.5]", "id"},
                                                                {"[true]", "id"},
                                                                {"[null]", "id"},
                                                                {"[[]]", "id"},
                                                                {"{\"x\":1}", "object id"},
                                                                {"{\"header\":\"x\"}", "id"},
                                                                {"9223372036854775808", "id"}};

bool hasWord(const std::string& words, const std::string& word) {
  return (" " + words + " ").find(" " + word + " ") != std::string::npos;
}

}  // namespace

TEST_CASE("eight levels are allowed and nine are not, of either kind and whether empty or full") {
  for (const std::string_view inner : {"", "1", "\"x\""}) {
    CAPTURE(inner);
    CHECK(accepts("{\"a\":" + nested(7, "[", "]", inner) + "}"));
    CHECK_FALSE(accepts("{\"a\":" + nested(8, "[", "]", inner) + "}"));
  }
  for (const std::string_view inner : {"{}", "1"}) {
    const std::size_t objects = inner == "{}" ? 6 : 7;
    CAPTURE(inner);
    CHECK(accepts("{\"a\":" + nested(objects, "{\"b\":", "}", inner) + "}"));
    CHECK_FALSE(accepts("{\"a\":" + nested(objects + 1, "{\"b\":", "}", inner) + "}"));
  }
}

TEST_CASE("deep nesting is refused at any depth, closed or not") {
  for (const std::size_t depth : {std::size_t{128}, std::size_t{129}, std::size_t{1025}, std::size_t{30'000}}) {
    CAPTURE(depth);
    CHECK_FALSE(accepts("{\"a\":" + nested(depth, "[", "]", "") + "}"));
    CHECK_FALSE(accepts("{\"a\":" + nested(depth, "[", "", "")));
    CHECK_FALSE(accepts(nested(depth, "{\"a\":", "", "")));
  }
  CHECK_FALSE(accepts("{\"a\":" + nested(100'000, "[", "]", "") + "}"));
}

TEST_CASE("a key that is there twice is refused: known or not, raw or escaped, on every level") {
  for (const std::string json :
       {R"({"cmd":"a","cmd":"a"})", R"({"cmd":"a","\u0063md":"b"})", R"({"v":1,"v":1})", R"({"x":1,"x":1})",
        R"({"x":1,"\u0078":2})", R"({"":1,"":2})", R"({"filesize":1,"y":0,"filesize":1})", R"({"x":{"y":1,"y":2}})",
        R"({"x":[{"y":1,"\u0079":2}]})", R"({"v":1,"limits":{"header":1,"header":1}})", R"({"é":1,"\u00e9":2})"}) {
    CAPTURE(json);
    CHECK_FALSE(accepts(json));
  }
  CHECK(accepts(R"({"x":{"y":1},"y":{"y":1},"z":[{"y":1},{"y":1}]})"));
}

TEST_CASE("a NUL or half a surrogate pair is refused in any string and key") {
  for (const std::string text :
       {"\\u0000", "a\\u0000b", "\\ud800", "\\udc00", "\\udc00\\ud800", "\\ud800\\u0041", "\\ud83d"}) {
    CAPTURE(text);
    CHECK_FALSE(accepts("{\"filename\":\"" + text + "\"}"));
    CHECK_FALSE(accepts("{\"unknown\":\"" + text + "\"}"));
    CHECK_FALSE(accepts("{\"unknown\":[{\"x\":\"" + text + "\"}]}"));
    CHECK_FALSE(accepts("{\"" + text + "\":1}"));
    CHECK_FALSE(accepts("{\"unknown\":{\"" + text + "\":1}}"));
  }
  CHECK(accepts("{\"filename\":\"\\ud83d\\ude00\"}"));
  CHECK_FALSE(accepts(std::string("{\"a\":\"\0\"}", 9)));
}

TEST_CASE("text that is not UTF-8 is refused") {
  for (const std::string bytes :
       {"\xff", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xe2\x82"}) {
    CHECK_FALSE(accepts("{\"filename\":\"" + bytes + "\"}"));
    CHECK_FALSE(accepts("{\"" + bytes + "\":1}"));
  }
}

TEST_CASE("what is not exactly one object is refused") {
  for (const std::string json : {"",
                                 " ",
                                 "null",
                                 "1",
                                 "\"x\"",
                                 "[]",
                                 "[{}]",
                                 "{",
                                 "}",
                                 "{}{}",
                                 "{} {}",
                                 "{}x",
                                 "{}]",
                                 "{},",
                                 "{}1",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{,}",
                                 "{\"a\":1 \"b\":2}",
                                 "{a:1}",
                                 "{'a':1}",
                                 "{1:1}",
                                 "{\"a\":1}//c",
                                 "{\"a\":1/*c*/}",
                                 "//c\n{}",
                                 "\xef\xbb\xbf{}",
                                 "{\"a\":tru}",
                                 "{\"a\":True}",
                                 "{\"a\":NaN}",
                                 "{\"a\":Infinity}",
                                 "{\"a\":undefined}",
                                 "{\"a\":\"x}",
                                 "{\"a\":\"\\x\"}",
                                 "{\"a\":\"\\u12\"}",
                                 "{\"a\":\"\n\"}",
                                 "{\"a\":\"\t\"}",
                                 "{\"a\":[1,]}",
                                 "{\"a\":[1 2]}",
                                 "{\"a\":.5}",
                                 "{\"a\":5.}",
                                 "{\"a\":1e}",
                                 "{\"a\":--1}"}) {
    CAPTURE(json);
    CHECK_FALSE(accepts(json));
  }
  CHECK_FALSE(accepts(std::string("{}\0", 3)));
  CHECK(accepts("  { \"a\" : [ 1 , 2.5 , -3e2 , null ] }\r\n\t "));
}

TEST_CASE("a whole header cut at any byte is refused") {
  const std::string json = R"({"v":1,"cmd":"put","id":"a\"b","filename":"d/é.txt","filesize":12,"x":[{"y":null}]})";
  REQUIRE(accepts(json));
  for (std::size_t size = 0; size < json.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(accepts(json.substr(0, size)));
  }
}

TEST_CASE("only canonical integers within the range are sizes") {
  const std::vector<std::string> bad{"-1",
                                     "-0",
                                     "9223372036854775808",
                                     "18446744073709551615",
                                     "18446744073709551616",
                                     "18446744073709551617",
                                     "-9223372036854775808",
                                     "-9223372036854775809",
                                     "1e3",
                                     "1E3",
                                     "1.0",
                                     "1.5",
                                     "0.0",
                                     "-0.0",
                                     "\"5\"",
                                     "\" 5\"",
                                     "true",
                                     "false",
                                     "null",
                                     "[5]",
                                     "{}",
                                     "0x10",
                                     "+5",
                                     "01",
                                     "00",
                                     "1e400",
                                     "1_000",
                                     "5 5",
                                     std::string(5000, '9')};
  const std::vector<std::string> good{
      "0", "1", "12", "9007199254740991", "9007199254740992", "9007199254740993", "9223372036854775807"};
  for (const std::string start :
       {R"({"v":1,"cmd":"put","filesize":)", R"({"cmd":"put","filesize":)", R"({"v":1,"cmd":"get","offset":)"}) {
    for (const std::string& number : bad) {
      CAPTURE(number.substr(0, 40));
      CHECK_FALSE(accepts(start + number + "}"));
    }
    for (const std::string& number : good) {
      CAPTURE(number);
      CHECK(accepts(start + number + "}"));
    }
  }
  HeaderParser parser;
  CHECK(parser.parse(R"({"filesize":9007199254740993})").filesize == 9'007'199'254'740'993U);
}

TEST_CASE("minus zero is refused as a number anywhere, and is text in a string") {
  CHECK_FALSE(accepts(R"({"x":-0})"));
  CHECK_FALSE(accepts(R"({"x":[1,-0]})"));
  CHECK_FALSE(accepts(R"({"v":1,"mtime_ns":-0})"));
  CHECK(accepts(R"({"filename":"a-0","x":"\"-0","y":-0.5})"));
  for (const char* exponent : {"1e-05", "1E-05", "[2.5e-07]"}) {
    CHECK(accepts(R"({"x":)" + std::string(exponent) + "}"));
  }
}

TEST_CASE("the permission bits are 0 to 511") {
  CHECK(accepts(R"({"v":1,"mode":0})"));
  CHECK(accepts(R"({"v":1,"mode":511})"));
  CHECK_FALSE(accepts(R"({"v":1,"mode":512})"));
  CHECK_FALSE(accepts(R"({"v":1,"mode":-1})"));
  CHECK(accepts(R"({"v":1,"modes":[0,511]})"));
  CHECK_FALSE(accepts(R"({"v":1,"modes":[0,512]})"));
  CHECK_FALSE(accepts(R"({"v":1,"modes":[-1]})"));
}

TEST_CASE("a digest is hex of its exact length, in either case") {
  const std::string digits = "0123456789abcdefABCDEF0123456789";
  for (const std::string key : {"md5", "xxh128", "sha256"}) {
    const std::string hex = (digits + digits).substr(0, key == "sha256" ? 64 : 32);
    CAPTURE(key);
    CHECK(accepts("{\"v\":1,\"" + key + "\":\"" + hex + "\"}"));
    CHECK_FALSE(accepts("{\"v\":1,\"" + key + "\":\"" + hex.substr(1) + "\"}"));
    CHECK_FALSE(accepts("{\"v\":1,\"" + key + "\":\"" + hex + "0\"}"));
    CHECK_FALSE(accepts("{\"v\":1,\"" + key + "\":\"\"}"));
    for (const char bad : {'g', 'G', ' ', '-', '/', ':', '@', '`'}) {
      CHECK_FALSE(accepts("{\"v\":1,\"" + key + "\":\"" + hex.substr(1) + bad + "\"}"));
    }
  }
}

TEST_CASE("each known key takes values of its own type and refuses all others") {
  for (const auto& [key, type] : kTypedKeys) {
    for (const auto& [value, types] : kSamples) {
      const std::string json = "{\"v\":1,\"" + key + "\":" + value + "}";
      CAPTURE(json);
      CHECK(accepts(json) == hasWord(types, type));
    }
  }
}

TEST_CASE("the entries of a list have a name and a type, and their members their types") {
  CHECK(accepts(R"({"v":1,"entries":[]})"));
  CHECK(accepts(R"({"v":1,"entries":[{"name":"a","type":"file","x":null}]})"));
  for (const std::string entry :
       {R"({"name":"a"})", R"({"type":"file"})", R"({"name":"","type":"file"})", R"({"name":1,"type":"file"})", R"(1)",
        R"({"name":"a","type":"file","size":-1})", R"({"name":"a","type":"file","mtime_ns":"1"})",
        R"({"name":"a","type":"file","mode":4096})"}) {
    CAPTURE(entry);
    CHECK_FALSE(accepts("{\"v\":1,\"entries\":[" + entry + "]}"));
  }
}

// What this thread has worked, however long others kept it waiting.
std::chrono::nanoseconds ownTime() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

TEST_CASE("the largest headers are judged quickly, whatever fills them") {
  std::string keys = "{";
  for (int i = 0; i < 5000; ++i) keys += "\"k" + std::to_string(i) + "\":" + std::to_string(i % 10) + ",";
  keys += "\"z\":0}";
  const std::string text = "{\"filename\":\"" + std::string(60'000, 'x') + "\"}";
  const std::string escapes = "{\"x\":\"" + nested(10'000, "\\u0041", "", "") + "\"}";
  std::string objects = "{\"x\":[{}";
  for (int i = 0; i < 20'000; ++i) objects += ",{}";
  objects += "]}";
  std::string fewer = keys;
  fewer.insert(fewer.size() - 1, ",\"k0\":1");
  for (const std::string& json : {keys, text, escapes, objects, fewer}) {
    REQUIRE(json.size() <= kMaxHeaderSize);
    const auto begin = ownTime();
    const bool accepted = accepts(json);
    const auto took = ownTime() - begin;
    CHECK(accepted == (json != fewer));
    CHECK(took < std::chrono::milliseconds(200));
  }
  CHECK_FALSE(accepts("{\"x\":\"" + std::string(kMaxHeaderSize, 'x') + "\"}"));
}

TEST_CASE("the plain form asks for the types of its own keys alone") {
  const std::string put = R"({"cmd":"put","filename":"a","filesize":2)";
  for (const std::string more :
       {R"("mtime":1.5)", R"("mtime":"2024")", R"("mode":33188)", R"("mode":"0644")", R"("id":null)", R"("ok":1)",
        R"("digest":3)", R"("sha256":"")", R"("md5":"")", R"("md5":null)", R"("replace":"yes")"}) {
    CAPTURE(more);
    CHECK(accepts(put + "," + more + "}"));
  }
  for (const std::string more : {R"("md5":"x")", R"("md5":7)", R"("file_size":"2")", R"("file_size":3)"}) {
    CAPTURE(more);
    CHECK_FALSE(accepts(put + "," + more + "}"));
  }
}

TEST_CASE("an id of any kind is kept as its JSON text, up to 128 bytes of it") {
  HeaderParser parser;
  for (const std::string id :
       {"7", "-7", "18446744073709551615", "1.5", "null", "true", "\"x\"", "[1,null]", "{\"a\":[]}"}) {
    CAPTURE(id);
    CHECK(parser.parse("{\"v\":1,\"id\":" + id + "}").id == id);
  }
  CHECK(accepts("{\"v\":1,\"id\":\"" + std::string(128, 'x') + "\"}"));
  CHECK_FALSE(accepts("{\"v\":1,\"id\":\"" + std::string(129, 'x') + "\"}"));
  CHECK_FALSE(accepts("{\"v\":1,\"id\":[\"" + std::string(128, 'x') + "\"]}"));
}

TEST_CASE("a wrong value leaves the command told, and where the body ends unless it says that itself") {
  using Told = HeaderError::Told;
  const auto told = [](const std::string& json) {
    HeaderParser parser;
    try {
      parser.parse(json);
    } catch (const HeaderError& error) {
      return error.told();
    }
    FAIL("accepted: " << json);
    return Told::Nothing;
  };
  CHECK(told(R"({"v":1,"cmd":"stat","filename":null})") == Told::Body);
  CHECK(told(R"({"v":1,"cmd":"put","filename":"a","filesize":2,"mtime_ns":1.5})") == Told::Body);
  CHECK(told(R"({"v":1,"cmd":"put","filename":"a","filesize":-2})") == Told::Command);
  CHECK(told(R"({"v":1,"cmd":"put","filename":"a","filesize":2,"body":1})") == Told::Command);
  CHECK(told(R"({"v":1,"cmd":["put"],"filesize":2})") == Told::Nothing);
  CHECK(told(R"({"v":2,"cmd":"stat"})") == Told::Nothing);
  CHECK(told(R"({"v":1,"cmd":"stat","mode":"x","x":1,"x":1})") == Told::Nothing);
  CHECK(told(R"({"v":1,"cmd":"stat")") == Told::Nothing);
}
