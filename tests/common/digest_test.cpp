#include "common/digest.h"

#include <doctest/doctest.h>

#include "common/protocol.h"
#include "tests/support/text.h"

using namespace ft;
using namespace ft::testing;

namespace {

std::string hexOf(DigestAlgorithm algorithm, std::string_view text) { return digestOf(algorithm, bytesOf(text)).hex; }

std::string sampleOf(std::size_t size) {
  std::string sample(size, '\0');
  std::uint32_t state = 12345;
  for (char& c : sample) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return sample;
}

}  // namespace

TEST_CASE("MD5 gives the values of RFC 1321") {
  CHECK(hexOf(DigestAlgorithm::Md5, "") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(hexOf(DigestAlgorithm::Md5, "a") == "0cc175b9c0f1b6a831c399e269772661");
  CHECK(hexOf(DigestAlgorithm::Md5, "abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(hexOf(DigestAlgorithm::Md5, "message digest") == "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST_CASE("SHA-256 gives the values of FIPS 180-4's examples") {
  CHECK(hexOf(DigestAlgorithm::Sha256, "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hexOf(DigestAlgorithm::Sha256, "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("XXH128 gives what xxh128sum prints") {
  CHECK(hexOf(DigestAlgorithm::Xxh128, "") == "99aa06d3014798d86001c324468d497f");
  CHECK(hexOf(DigestAlgorithm::Xxh128, "abc") == "06b05ab6733a618578af5f94892f3950");
}

TEST_CASE("a digest does not depend on where the bytes were cut") {
  const std::string sample = sampleOf(3 * kChunkSize);
  for (const DigestAlgorithm algorithm : kDigestAlgorithms) {
    const DigestValue whole = digestOf(algorithm, bytesOf(sample));
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, kChunkSize - 1, kChunkSize, kChunkSize + 1}) {
      CAPTURE(cut);
      Digest digest(algorithm);
      digest.update(bytesOf(sample).first(cut));
      digest.update(bytesOf(sample).subspan(cut));
      CHECK(digest.value() == whole);
    }
  }
}

TEST_CASE("a run of zeros counts like the bytes that it stands for") {
  for (const DigestAlgorithm algorithm : kDigestAlgorithms) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{65'535}, std::size_t{65'536},
                                    std::size_t{65'537}, std::size_t{200'000}}) {
      CAPTURE(count);
      Digest run(algorithm);
      run.update(bytesOf("head"));
      run.updateZeros(count);
      run.update(bytesOf("tail"));
      CHECK(run.value() == digestOf(algorithm, bytesOf("head" + std::string(count, '\0') + "tail")));
    }
  }
}

TEST_CASE("a value may be taken on the way, and the digest goes on") {
  for (const DigestAlgorithm algorithm : kDigestAlgorithms) {
    Digest digest(algorithm);
    digest.update(bytesOf("ab"));
    CHECK(digest.value().hex == hexOf(algorithm, "ab"));
    CHECK(digest.value().hex == hexOf(algorithm, "ab"));
    digest.update(bytesOf("c"));
    CHECK(digest.value().hex == hexOf(algorithm, "abc"));
  }
}

TEST_CASE("a digest that was moved goes on in its new place") {
  Digest first(DigestAlgorithm::Md5);
  first.update(bytesOf("ab"));
  Digest second(std::move(first));
  second.update(bytesOf("c"));
  CHECK(second.value().hex == hexOf(DigestAlgorithm::Md5, "abc"));
}

TEST_CASE("names of digests go both ways and tell their length") {
  for (const DigestAlgorithm algorithm : kDigestAlgorithms) {
    CHECK(digestFromName(digestName(algorithm)) == algorithm);
    CHECK(hexOf(algorithm, "x").size() == digestHexSize(algorithm));
  }
  for (const char* const name : {"", "MD5", "sha1", "md5 ", "xxh64"}) CHECK_FALSE(digestFromName(name).has_value());
}
