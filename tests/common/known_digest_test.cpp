#include "common/known_digest.h"

#include <doctest/doctest.h>

using namespace ft;

TEST_CASE("a digest that was written down is read back, and a line with one changed character is not believed") {
  for (const DigestAlgorithm algorithm : kDigestAlgorithms) {
    const KnownDigest one{{7, 9, 300'000, -1, 1'700'000'000'123'456'789}, digestOf(algorithm, {})};
    const std::string line = writeKnownDigest(one);
    const auto back = readKnownDigest(line);
    REQUIRE(back.has_value());
    CHECK(back->version == one.version);
    CHECK(back->digest == one.digest);
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
      std::string damaged = line;
      damaged[i] = damaged[i] == '1' ? '2' : '1';
      CHECK_FALSE(readKnownDigest(damaged).has_value());
      CHECK_FALSE(readKnownDigest(line.substr(0, i)).has_value());
    }
  }
  for (const char* text : {"", "\n", " ", "1 2 3", "0123456789abcdef"}) CHECK_FALSE(readKnownDigest(text).has_value());
}
