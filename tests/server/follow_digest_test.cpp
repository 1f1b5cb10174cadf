// Digests that are taken behind the writing, on threads of their own.
#include "server/storage/follow_digest.h"

#include <new>
#include <thread>

#include "tests/server/disk_fixture.h"
#include "tests/support/scarce_memory.h"

namespace ft::testing {
namespace {

constexpr std::size_t kBlock = 256 * 1024;
constexpr std::size_t kSize = 4 << 20;

struct Written {
  Written() {
    writeText(folder.path() / "file", content);
    fd.reset(::open((folder.path() / "file").c_str(), O_RDONLY | O_CLOEXEC));
  }
  TempFolder folder;
  std::string content = patterned(kSize);
  UniqueFd fd;
};

TEST_CASE("the digests that were taken behind the writing are those of the bytes and holes") {
  const Written file;
  DigestPool pool(2);
  FollowDigest follow(pool, file.fd.get(), 0, DigestSet({DigestAlgorithm::Md5}));
  for (std::size_t at = 0; at < kSize; at += kBlock) follow.wrote(kBlock);
  follow.skipped(5);
  const DigestValue taken = follow.finish().value(DigestAlgorithm::Md5);
  CHECK(taken == digestOf(DigestAlgorithm::Md5, bytesOf(file.content + std::string(5, '\0'))));
}

TEST_CASE("who passes a long hole is held back by it, so that little of it is left at the end") {
  constexpr std::uint64_t kMiB = 1 << 20;
  const Written file;
  DigestPool none(0);
  FollowDigest follow(none, file.fd.get(), 0, DigestSet({DigestAlgorithm::Xxh128}));
  follow.wrote(kSize);
  for (int i = 0; i < 16; ++i) follow.skipped(8 * kMiB);
  int steps = 1;
  while (!follow.comeNearer()) ++steps;
  CHECK(steps == 8);
  CHECK(follow.comeNearer());
  Digest expected(DigestAlgorithm::Xxh128);
  expected.update(bytesOf(file.content));
  expected.updateZeros(128 * kMiB);
  CHECK(follow.finish().value(DigestAlgorithm::Xxh128) == expected.value());
}

TEST_CASE("what is left at the end comes nearer also while a thread of the pool is at it") {
  const Written file;
  DigestPool pool(1);
  FollowDigest follow(pool, file.fd.get(), 0, DigestSet({DigestAlgorithm::Md5}));
  follow.wrote(kSize);
  follow.skipped(kSize);
  while (!follow.comeNearer()) continue;
  const DigestValue expected = digestOf(DigestAlgorithm::Md5, bytesOf(file.content + std::string(kSize, '\0')));
  CHECK(follow.finish().value(DigestAlgorithm::Md5) == expected);
}

TEST_CASE("memory that runs out while a digest is taken is told to the writer, whichever thread has met it") {
  const Written file;
  const ScarceMemory scarce(kBlock);
  DigestPool pool(2);
  // A thread of its own, for this one may have what it needs already.
  std::jthread writer([&] {
    {
      FollowDigest follow(pool, file.fd.get(), 0, DigestSet({DigestAlgorithm::Md5}));
      follow.wrote(kSize);
      CHECK_THROWS_AS(follow.finish(), std::bad_alloc);
    }
    FollowDigest abandoned(pool, file.fd.get(), 0, DigestSet({DigestAlgorithm::Md5}));
    abandoned.wrote(kSize);
  });
}

TEST_CASE("a file that is shorter than what was written of it fails, and the pool serves the next one") {
  const Written file;
  DigestPool pool(1);
  {
    FollowDigest follow(pool, file.fd.get(), kSize, DigestSet({DigestAlgorithm::Md5}));
    follow.wrote(kSize);
    CHECK(failureOf([&] { follow.finish(); }) == ErrorCode::IoError);
  }
  FollowDigest follow(pool, file.fd.get(), 0, DigestSet({DigestAlgorithm::Md5}));
  follow.wrote(kSize);
  CHECK(follow.finish().value(DigestAlgorithm::Md5) == digestOf(DigestAlgorithm::Md5, bytesOf(file.content)));
}

}  // namespace
}  // namespace ft::testing
