// Storing files with holes: what stays a hole on the disk, and its digests.
#include "tests/server/disk_fixture.h"

namespace ft::testing {
namespace {

constexpr std::size_t kMiB = 1 << 20;

TEST_CASE("holes stay holes, and count as zeros in the digest") {
  Disk disk;
  constexpr std::uint64_t kHole = 64 * kMiB;
  for (const bool dataSizeKnown : {true, false}) {
    CAPTURE(dataSizeKnown);
    PutSpec spec = disk.spec("sparse", 2 * kHole + 10);
    if (dataSizeKnown) spec.dataSize = 10;
    auto upload = disk.storage->begin(spec);
    upload->writeHole(kHole);
    upload->write(bytesOf("0123456789"));
    upload->writeHole(kHole);
    const auto digest = upload->finish()[0];
    Digest expected(DigestAlgorithm::Xxh128);
    expected.updateZeros(kHole);
    expected.update(bytesOf("0123456789"));
    expected.updateZeros(kHole);
    CHECK(digest == expected.value());
    REQUIRE_FALSE(disk.store(std::move(upload)).has_value());
    const auto info = statOf(disk.at("sparse"));
    CHECK(static_cast<std::uint64_t>(info.st_size) == 2 * kHole + 10);
    CHECK(info.st_blocks * 512 < 1'000'000);
  }
}

TEST_CASE("the digests of a long hole behind data come nearer in steps, and finish() has them") {
  Disk disk;
  const std::string content = patterned(4 * kMiB);
  for (const DigestAlgorithm algorithm : {DigestAlgorithm::Xxh128, DigestAlgorithm::Md5}) {
    PutSpec spec = disk.spec("sparse", std::nullopt);
    spec.digests = {algorithm};
    auto upload = disk.storage->begin(spec);
    upload->write(bytesOf(content));
    for (int i = 0; i < 8; ++i) upload->writeHole(8 * kMiB);
    while (!upload->digestOn()) continue;
    Digest expected(algorithm);
    expected.update(bytesOf(content));
    expected.updateZeros(64 * kMiB);
    CHECK(upload->finish()[0] == expected.value());
  }
}

TEST_CASE("a hole that no file can hold is refused before it is hashed") {
  Disk disk;
  auto upload = disk.storage->begin(disk.spec("a", std::nullopt));
  upload->write(bytesOf("abc"));
  CHECK(failureOf([&] { upload->expectHole(std::uint64_t{1} << 63); }) == ErrorCode::TooLarge);
  upload->expectHole(1000);
  CHECK(upload->offset() == 3);
  upload->writeHole(1000);
  Digest expected(DigestAlgorithm::Xxh128);
  expected.update(bytesOf("abc"));
  expected.updateZeros(1000);
  CHECK(upload->finish()[0] == expected.value());
  CHECK(failureOf([&] { disk.storage->begin(disk.spec("b", 10))->expectHole(11); }) == ErrorCode::TooLarge);
}

}  // namespace
}  // namespace ft::testing
