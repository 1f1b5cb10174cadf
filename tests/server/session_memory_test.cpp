// Replies and headers when memory runs out.

#include <doctest/doctest.h>

#include <new>
#include <string>

#include "common/frame.h"
#include "common/header.h"
#include "tests/support/scarce_memory.h"

using namespace ft;
using namespace ft::testing;

TEST_CASE("a frame for which there is no memory leaves nothing of itself behind those before it") {
  const std::string before(100, 'b');
  Header header;
  header.cmd = "ping";
  header.filename = std::string(150, 'n');
  int failures = 0;
  for (std::size_t size = 1; size < 1000; ++size) {
    CAPTURE(size);
    std::string out = before;
    const ScarceMemory scarce(size);
    try {
      appendFrame(out, header);
    } catch (const std::bad_alloc&) {
      ++failures;
      REQUIRE(out == before);
    }
  }
  CHECK(failures >= 2);
}

TEST_CASE("a header for which the parser has no memory is not called a bad one") {
  const std::string text = R"({"v":1,"cmd":"stat","filename":")" + std::string(2000, 'n') + "\"}";
  int failures = 0;
  for (std::size_t size = 1; size < 20'000; ++size) {
    CAPTURE(size);
    HeaderParser parser;
    const ScarceMemory scarce(size);
    try {
      const Header header = parser.parse(text);
      REQUIRE(header.cmd == "stat");
    } catch (const std::bad_alloc&) {
      ++failures;
    }
  }
  CHECK(failures >= 2);
}
