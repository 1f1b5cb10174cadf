#include "common/frame.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "common/error.h"
#include "common/protocol.h"
#include "tests/support/text.h"

using namespace ft;
using namespace ft::testing;

namespace {

std::array<std::byte, 4> prefixOf(std::uint32_t bits) {
  std::array<std::byte, 4> prefix{};
  for (std::size_t i = 0; i < 4; ++i) prefix[i] = static_cast<std::byte>(bits >> (8 * i));
  return prefix;
}

std::array<std::byte, 8> chunkOf(std::int64_t n) {
  const std::array<char, 8> text = encodeChunk(n);
  std::array<std::byte, 8> prefix{};
  for (std::size_t i = 0; i < 8; ++i) prefix[i] = static_cast<std::byte>(text[i]);
  return prefix;
}

std::string frameOf(const std::string& header) {
  const std::array<char, 4> prefix = encodeLength(header.size());
  return std::string(prefix.data(), prefix.size()) + header;
}

}  // namespace

TEST_CASE("a length is four bytes, the lowest first") {
  const std::array<char, 4> prefix = encodeLength(0x1234);
  CHECK(std::string_view(prefix.data(), 4) == std::string_view("\x34\x12\0\0", 4));
}

TEST_CASE("every allowed length is read back as it was written") {
  for (std::size_t size = kMinHeaderSize; size <= kMaxHeaderSize; ++size) {
    REQUIRE(decodeLength(prefixOf(static_cast<std::uint32_t>(size))) == size);
  }
}

TEST_CASE("a length under 2, over 65,536 or negative is a framing error") {
  for (const std::uint32_t bits : {0U, 1U, 65'537U, 1U << 24, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    CAPTURE(bits);
    CHECK_THROWS_AS(decodeLength(prefixOf(bits)), ProtocolError);
  }
}

TEST_CASE("the message about a bad length shows it as the signed number that it is") {
  CHECK_THROWS_WITH(
      decodeLength(prefixOf(0xffffffffU)),
      "the other side does not speak this protocol: it announces a header of -1 bytes; 2 to 65536 are allowed");
}

TEST_CASE("a frame cut at any byte is not yet a frame, and whole it is") {
  const std::string header = R"({"v":1,"cmd":"ping"})";
  const std::string frame = frameOf(header);
  for (std::size_t size = 0; size < frame.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(peekFrame(bytesOf(frame).first(size)).has_value());
  }
  CHECK(peekFrame(bytesOf(frame)) == header);
}

TEST_CASE("what follows a frame is not part of it") {
  const std::string two = frameOf("{}") + frameOf(R"({"a":1})");
  CHECK(peekFrame(bytesOf(two)) == "{}");
  CHECK(peekFrame(bytesOf(two).subspan(6)) == R"({"a":1})");
}

TEST_CASE("a bad length is refused as soon as its four bytes are there") {
  const std::string bad("\xff\xff\xff\x7f", 4);
  CHECK_FALSE(peekFrame(bytesOf(bad).first(3)).has_value());
  CHECK_THROWS_AS(peekFrame(bytesOf(bad)), ProtocolError);
}

TEST_CASE("chunk prefixes within the limits are read back as they were written") {
  for (const std::int64_t n : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{8192}, kMaxChunkSize,
                               -kMaxHoleSize, std::int64_t{0x0102030405060708} % kMaxChunkSize}) {
    CHECK(decodeChunk(chunkOf(n)) == n);
  }
}

TEST_CASE("a chunk or a hole over its limit is a framing error") {
  for (const std::int64_t n : {kMaxChunkSize + 1, -kMaxHoleSize - 1, std::numeric_limits<std::int64_t>::max(),
                               std::numeric_limits<std::int64_t>::min()}) {
    CAPTURE(n);
    CHECK_THROWS_AS(decodeChunk(chunkOf(n)), ProtocolError);
  }
}
