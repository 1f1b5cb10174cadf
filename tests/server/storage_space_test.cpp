// Space that is promised, refused and given back; and the small parts that the storage is made of. Amounts are shares
// of what is free, as other programs use the disk meanwhile.
#include <sys/statfs.h>

#include <thread>

#include "server/storage/digest_cache.h"
#include "server/storage/follow_digest.h"
#include "server/storage/space_ledger.h"
#include "tests/server/disk_fixture.h"

namespace ft::testing {
namespace {

std::uint64_t freeBytes(const std::string& path) {
  struct statfs disk {};
  REQUIRE(::statfs(path.c_str(), &disk) == 0);
  return disk.f_bavail * static_cast<std::uint64_t>(disk.f_frsize);
}

TEST_CASE("what does not fit beside the reserve is refused before the first byte, with the numbers and the key") {
  Disk disk;
  const std::uint64_t free = freeBytes(disk.options.root);
  disk.options.minFree = free / 2;
  disk.restart();
  const std::uint64_t tooMuch = free / 4 * 3;
  CHECK(failureOf([&] { disk.storage->begin(disk.spec("a", tooMuch)); }) == ErrorCode::NoSpace);
  const std::string message = messageOf([&] { disk.storage->begin(disk.spec("a", tooMuch)); });
  CHECK(message.find(std::to_string(tooMuch)) != std::string::npos);
  CHECK(message.find(std::to_string(free / 2)) != std::string::npos);
  CHECK(message.find("storage.min_free") != std::string::npos);
  CHECK(failureOf([&] { disk.resume(disk.partSpec("a", tooMuch), DigestAlgorithm::Xxh128); }) == ErrorCode::NoSpace);
  PutSpec sparse = disk.spec("a", tooMuch);
  sparse.dataSize = 10;
  CHECK(failureOf([&] { disk.storage->begin(sparse); }) == std::nullopt);
  CHECK(disk.storage->reservedBytes() == 0);
  CHECK(disk.staged() == 0);
}

TEST_CASE("a body of unknown size is refused as soon as the reserve would be touched") {
  Disk disk;
  disk.options.minFree = std::uint64_t{1} << 60;
  disk.restart();
  auto upload = disk.storage->begin(disk.spec("a", std::nullopt));
  CHECK(failureOf([&] { upload->write(bytesOf("x")); }) == ErrorCode::NoSpace);
  upload.reset();
  CHECK(disk.staged() == 0);
  CHECK(disk.storage->reservedBytes() == 0);
}

TEST_CASE("uploads that are open count for each other, and give back what they have on every way out") {
  Disk disk;
  const std::uint64_t free = freeBytes(disk.options.root);
  disk.options.minFree = free / 2;
  disk.restart();
  const std::uint64_t most = free / 10 * 4;
  auto first = disk.storage->begin(disk.spec("a", most));
  CHECK(disk.storage->reservedBytes() == most);
  CHECK(failureOf([&] { disk.storage->begin(disk.spec("b", most)); }) == ErrorCode::NoSpace);
  first.reset();
  CHECK(disk.storage->reservedBytes() == 0);
  auto second = disk.storage->begin(disk.spec("b", 1000));
  second->write(bytesOf("12345"));
  CHECK(disk.storage->reservedBytes() == 995);
  CHECK(failureOf([&] { static_cast<void>(second->finish()); }) == ErrorCode::Integrity);
  second.reset();
  disk.put("c", patterned(3 << 20));
  CHECK(disk.storage->reservedBytes() == 0);
}

TEST_CASE("the ledger never promises more than there is, to many threads at once") {
  const TempFolder folder;
  const UniqueFd fd(::open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::uint64_t free = freeBytes(folder.path());
  SpaceLedger ledger(fd.get(), free / 2);
  std::atomic<std::uint64_t> most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        try {
          const SpaceReservation reservation = ledger.reserve(free / 5, FileName::parse("x"));
          std::uint64_t seen = ledger.outstanding();
          for (std::uint64_t old = most.load(); old < seen && !most.compare_exchange_weak(old, seen);) {
          }
        } catch (const Failure&) {
          std::this_thread::yield();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(most <= free / 5 * 2);
  CHECK(most >= free / 5);
  CHECK(ledger.outstanding() == 0);
}

TEST_CASE("the digest cache knows exactly the version that it was told, and forgets what was used longest ago") {
  DigestCache cache(3);
  const DigestValue digest = digestOf(DigestAlgorithm::Sha256, bytesOf("x"));
  const FileVersion version{1, 2, 3, 4, 5};
  cache.remember(version, digest);
  CHECK(cache.find(version, DigestAlgorithm::Sha256) == digest);
  CHECK_FALSE(cache.find(version, DigestAlgorithm::Md5).has_value());
  for (int field = 0; field < 5; ++field) {
    FileVersion other = version;
    if (field == 0) ++other.device;
    if (field == 1) ++other.inode;
    if (field == 2) ++other.size;
    if (field == 3) ++other.mtimeNs;
    if (field == 4) ++other.ctimeNs;
    CHECK_FALSE(cache.find(other, DigestAlgorithm::Sha256).has_value());
  }
  for (const std::uint64_t inode : {10U, 11U}) cache.remember({1, inode, 0, 0, 0}, digest);
  CHECK(cache.find(version, DigestAlgorithm::Sha256).has_value());
  cache.remember({1, 12, 0, 0, 0}, digest);
  CHECK(cache.size() == 3);
  CHECK(cache.find(version, DigestAlgorithm::Sha256).has_value());
  CHECK_FALSE(cache.find({1, 10, 0, 0, 0}, DigestAlgorithm::Sha256).has_value());
}

TEST_CASE("many files are followed by few threads, and each gets its own digest") {
  const TempFolder folder;
  DigestPool pool(2);
  std::vector<std::thread> writers;
  std::atomic<int> wrong{0};
  for (unsigned t = 0; t < 6; ++t) {
    writers.emplace_back([&, t] {
      const std::string content = patterned(4 << 20, t + 1);
      const UniqueFd fd(::open((folder.path() / std::to_string(t)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
      FollowDigest follower(pool, fd.get(), 0, DigestSet({DigestAlgorithm::Xxh128, DigestAlgorithm::Md5}));
      for (std::size_t at = 0; at < content.size(); at += 131'072) {
        if (::pwrite(fd.get(), content.data() + at, 131'072, static_cast<off_t>(at)) != 131'072) ++wrong;
        follower.wrote(131'072);
      }
      follower.skipped(1000);
      const auto values = follower.finish().values();
      Digest expected(DigestAlgorithm::Md5);
      expected.update(bytesOf(content));
      expected.updateZeros(1000);
      if (values.size() != 2 || values[1] != expected.value()) ++wrong;
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(wrong == 0);
}

TEST_CASE("a file that cannot be read back fails its digest, and a follower that is dropped lets the file go") {
  const TempFolder folder;
  DigestPool pool(1);
  const UniqueFd fd(::open((folder.path() / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  FollowDigest tooShort(pool, fd.get(), 0, DigestSet({DigestAlgorithm::Xxh128}));
  tooShort.wrote(100);
  CHECK(failureOf([&] { static_cast<void>(tooShort.finish()); }) == ErrorCode::IoError);
  REQUIRE(::ftruncate(fd.get(), 32 << 20) == 0);
  for (int i = 0; i < 20; ++i) {
    FollowDigest dropped(pool, fd.get(), 0, DigestSet({DigestAlgorithm::Xxh128}));
    dropped.wrote(32 << 20);
  }
  FollowDigest last(pool, fd.get(), 0, DigestSet({DigestAlgorithm::Xxh128}));
  last.wrote(1 << 20);
  Digest zeros(DigestAlgorithm::Xxh128);
  zeros.updateZeros(1 << 20);
  CHECK(last.finish().value(DigestAlgorithm::Xxh128) == zeros.value());
}

}  // namespace
}  // namespace ft::testing
