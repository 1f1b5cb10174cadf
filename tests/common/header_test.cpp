#include "common/header.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "common/frame.h"
#include "common/protocol.h"

using namespace ft;

namespace {

// A header of every key, as no peer would send it.
Header fullHeader() {
  Header header;
  header.cmd = "put";
  header.id = "\"x-1\"";
  header.ok = true;
  header.filename = "d/\xe6\x97\xa5 \"q\"\\.txt";
  header.type = "file";
  header.filesize = 9'223'372'036'854'775'807U;
  header.setDigest({DigestAlgorithm::Sha256, std::string(64, 'a')});
  header.setDigest({DigestAlgorithm::Md5, std::string(32, 'b')});
  header.setDigest({DigestAlgorithm::Xxh128, std::string(32, 'c')});
  header.digest = "md5";
  header.body = "chunks";
  header.offset = 1;
  header.length = 2;
  header.have = 3;
  header.dataSize = 4;
  header.limit = 5;
  header.mtimeNs = -1;
  header.mode = 0644;
  header.replace = false;
  header.parents = true;
  header.recursive = false;
  header.to = "e";
  header.after = "f";
  header.names = {"a", "b"};
  header.sizes = {1, 2};
  header.mtimesNs = {-1, 2};
  header.modes = {0, 0777};
  header.error = "not_found";
  header.message = "line\nbreak";
  header.action = "send";
  header.next = "g";
  header.entries = {{"n", "file", 7, -1'500'000'000, 0600}, {"m", "dir", 0, 0, 0755}};
  header.skipped = 6;
  header.need = {0, 7};
  header.server = "ftpd";
  header.versions = {1};
  header.digestNames = {"xxh128"};
  header.commands = {"put", "get"};
  header.limits = HelloLimits{65'536, 1, 16};
  header.services = {{"echo-tcp", "127.0.0.1:7"}, {"echo-udp", "[::1]:7"}};
  return header;
}

void checkSame(const Header& a, const Header& b) {
  CHECK(writeHeader(a) == writeHeader(b));
  CHECK(a.plain == b.plain);
  CHECK(a.digests == b.digests);
  CHECK(a.filesize == b.filesize);
  CHECK(a.mtimeNs == b.mtimeNs);
  CHECK(a.mode == b.mode);
  CHECK(a.names == b.names);
  CHECK(a.mtimesNs == b.mtimesNs);
  CHECK(a.modes == b.modes);
  CHECK(a.entries == b.entries);
  CHECK(a.limits == b.limits);
  CHECK(a.services == b.services);
}

}  // namespace

TEST_CASE("a put of version 1 is understood") {
  HeaderParser parser;
  const Header header = parser.parse(
      R"({"v":1,"cmd":"put","id":7,"filename":"d/a.txt","filesize":12,"md5":"0123456789ABCDEF0123456789abcdef"})");
  CHECK_FALSE(header.plain);
  CHECK(header.cmd == "put");
  CHECK(header.id == "7");
  CHECK(header.filename == "d/a.txt");
  CHECK(header.filesize == 12);
  REQUIRE(header.findDigest(DigestAlgorithm::Md5) != nullptr);
  CHECK(header.findDigest(DigestAlgorithm::Md5)->hex == "0123456789abcdef0123456789abcdef");
  CHECK(header.findDigest(DigestAlgorithm::Sha256) == nullptr);
  CHECK_FALSE(header.offset.has_value());
}

TEST_CASE("a header without v is of the plain form") {
  HeaderParser parser;
  const Header header = parser.parse(R"({"cmd":"put","filename":"a.txt","filesize":12})");
  CHECK(header.plain);
  CHECK(header.cmd == "put");
  CHECK(header.filesize == 12);
}

TEST_CASE("the plain form's other spellings mean the same, and version 1 does not know them") {
  HeaderParser parser;
  CHECK(parser.parse(R"({"cmd":"put","file_name":"a"})").filename == "a");
  for (const std::string key : {"file_size", "total_size", "data_size"}) {
    CAPTURE(key);
    CHECK(parser.parse("{\"cmd\":\"put\",\"" + key + "\":5}").filesize == 5);
    CHECK_FALSE(parser.parse("{\"v\":1,\"cmd\":\"put\",\"" + key + "\":5}").filesize.has_value());
    CHECK(parser.parse("{\"filesize\":5,\"" + key + "\":5}").filesize == 5);
    CHECK_THROWS_AS(parser.parse("{\"filesize\":5,\"" + key + "\":6}"), HeaderError);
  }
  CHECK(parser.parse(R"({"v":1,"data_size":5})").dataSize == 5);
  CHECK_FALSE(parser.parse(R"({"v":1,"file_name":"a"})").filename.has_value());
  CHECK_THROWS_AS(parser.parse(R"({"filename":"a","file_name":"b"})"), HeaderError);
}

TEST_CASE("keys of version 1 are strange to the plain form, whatever their value") {
  HeaderParser parser;
  const Header header = parser.parse(R"({"cmd":"put","type":7,"offset":"x","names":{}})");
  CHECK_FALSE(header.type.has_value());
  CHECK_FALSE(header.offset.has_value());
}

TEST_CASE("another version is answered as unsupported, with what was understood") {
  HeaderParser parser;
  for (const std::string version : {"0", "2", "-1", "1.0", "\"1\"", "null", "[1]", "18446744073709551615"}) {
    CAPTURE(version);
    try {
      parser.parse("{\"cmd\":\"put\",\"filesize\":\"x\",\"id\":\"q\",\"v\":" + version + "}");
      FAIL("nothing was thrown");
    } catch (const HeaderError& error) {
      CHECK(error.code() == ErrorCode::Unsupported);
      CHECK(error.header().cmd == "put");
      CHECK(error.header().id == "\"q\"");
      CHECK_FALSE(error.header().plain);
    }
  }
}

TEST_CASE("a refused header tells what was understood of it, and nothing of the rest") {
  HeaderParser parser;
  try {
    parser.parse(R"({"filesize":-1,"filename":"a","cmd":"get","id":3})");
    FAIL("nothing was thrown");
  } catch (const HeaderError& error) {
    CHECK(error.code() == ErrorCode::BadRequest);
    CHECK(error.header().plain);
    CHECK(error.header().cmd == "get");
    CHECK(error.header().id == "3");
    CHECK_FALSE(error.header().filename.has_value());
    CHECK(std::string(error.what()) == "the header is refused: 'filesize' must be an integer from 0 to 2^63-1");
  }
}

TEST_CASE("an id comes back as it was sent") {
  HeaderParser parser;
  const std::string longest(128, 'i');
  for (const std::string& id : {std::string("7"), std::string("-7"), std::string("18446744073709551615"),
                                std::string("\"\""), std::string("\"a\\\"b\\\\\\n\""), "\"" + longest + "\""}) {
    CAPTURE(id);
    const Header header = parser.parse("{\"v\":1,\"id\":" + id + "}");
    CHECK(header.id == id);
    CHECK(writeHeader(header) == "{\"v\":1,\"id\":" + id + "}");
  }
  CHECK_THROWS_AS(parser.parse("{\"v\":1,\"id\":\"" + longest + "i\"}"), HeaderError);
}

TEST_CASE("a header of every key is read back as it was written") {
  HeaderParser parser;
  const Header header = fullHeader();
  checkSame(parser.parse(writeHeader(header)), header);
}

TEST_CASE("a header without keys is read back as it was written") {
  HeaderParser parser;
  CHECK(writeHeader(Header{}) == R"({"v":1})");
  Header plain;
  plain.plain = true;
  CHECK(writeHeader(plain) == "{}");
  checkSame(parser.parse("{}"), plain);
}

TEST_CASE("one parser reads headers of all sizes one after the other") {
  HeaderParser parser;
  for (const std::size_t size : {std::size_t{1}, std::size_t{60'000}, std::size_t{10}, std::size_t{4096}}) {
    Header header;
    header.message = std::string(size, 'm');
    CHECK(parser.parse(writeHeader(header)).message == header.message);
  }
  CHECK_THROWS_AS(parser.parse("{"), HeaderError);
  CHECK(parser.parse("{}").plain);
}

TEST_CASE("digests stand in the order of preference, one of each") {
  Header header;
  header.setDigest({DigestAlgorithm::Sha256, "1"});
  header.setDigest({DigestAlgorithm::Xxh128, "2"});
  header.setDigest({DigestAlgorithm::Md5, "3"});
  header.setDigest({DigestAlgorithm::Md5, "4"});
  REQUIRE(header.digests.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(header.digests[i].algorithm == kDigestAlgorithms[i]);
  CHECK(header.findDigest(DigestAlgorithm::Md5)->hex == "4");
}

TEST_CASE("whole seconds are written beside nanoseconds in replies and in lists, rounded down") {
  Header header;
  header.mtimeNs = -1;
  CHECK(writeHeader(header) == R"({"v":1,"mtime_ns":-1})");
  header.ok = true;
  CHECK(writeHeader(header) == R"({"v":1,"ok":true,"mtime":-1,"mtime_ns":-1})");
  header.mtimeNs = 1'999'999'999;
  CHECK(writeHeader(header) == R"({"v":1,"ok":true,"mtime":1,"mtime_ns":1999999999})");
  Header list;
  list.entries = {{"a", "file", 1, -1'500'000'000, 0644}};
  CHECK(writeHeader(list) ==
        R"({"v":1,"entries":[{"name":"a","type":"file","size":1,"mtime":-2,"mtime_ns":-1500000000,"mode":420}]})");
}

TEST_CASE("strings are escaped so that any text survives, and what is not UTF-8 is replaced") {
  HeaderParser parser;
  Header header;
  std::string all;
  for (char c = 1; c < 0x7f; ++c) all += c;
  header.message = all + "\xc3\xa9\xf0\x9f\x98\x80";
  CHECK(parser.parse(writeHeader(header)).message == header.message);
  header.message =
      "a\xff"
      "b";
  CHECK(parser.parse(writeHeader(header)).message ==
        "a\xef\xbf\xbd"
        "b");
}

TEST_CASE("a frame is the length and the text, behind what was there before") {
  Header header;
  header.cmd = "ping";
  std::string out = "before";
  appendFrame(out, header);
  const std::string text = writeHeader(header);
  CHECK(out.substr(0, 6) == "before");
  CHECK(peekFrame(std::as_bytes(std::span(out)).subspan(6)) == text);
}

TEST_CASE("a header over the limit is not framed, and leaves the output as it was") {
  Header header;
  const std::size_t rest = writeHeader(header).size() + std::string_view(R"(,"message":"")").size();
  std::string out = "before";
  header.message = std::string(kMaxHeaderSize - rest + 1, 'm');
  CHECK_THROWS_AS(appendFrame(out, header), std::length_error);
  CHECK(out == "before");
  header.message->pop_back();
  appendFrame(out, header);
  CHECK(out.size() == 6 + kLengthPrefixSize + kMaxHeaderSize);
}
