// Parts: what a cut upload leaves, and what a later one makes of it.
#include <sys/resource.h>

#include <thread>

#include "server/storage/part_store.h"
#include "tests/server/disk_fixture.h"
#include "tests/support/scarce_memory.h"

namespace ft::testing {
namespace {

constexpr DigestAlgorithm kPrefix = DigestAlgorithm::Xxh128;
constexpr std::size_t kChunk = 8192;

fs::path onlyPart(const Disk& disk) {
  REQUIRE(disk.parts() == 1);
  return fs::directory_iterator(disk.at(".ftpd/parts"))->path();
}

// A put that is cut after `count` bytes.
void cut(Disk& disk, const PutSpec& spec, std::string_view content, std::size_t count) {
  auto upload = disk.resume(spec, kPrefix).upload;
  upload->write(bytesOf(content).subspan(upload->offset(), count - upload->offset()));
}

TEST_CASE("a part is kept and resumed from where it was cut, with digests that go on over the whole file") {
  for (const std::size_t size : {3 * kChunk, std::size_t{5 << 20}}) {
    const std::string content = patterned(size);
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, size - 1, size}) {
      for (const bool newProcess : {false, true}) {
        CAPTURE(size);
        CAPTURE(at);
        CAPTURE(newProcess);
        Disk disk;
        PutSpec spec = disk.partSpec("d/a", size);
        spec.digests = {DigestAlgorithm::Md5};
        cut(disk, spec, content, at);
        CHECK(disk.parts() == (at == 0 ? 0 : 1));
        CHECK_FALSE(fs::exists(disk.at("d")));
        if (newProcess) disk.restart();
        Disk::Resumed resumed = disk.resume(spec, kPrefix);
        CHECK(resumed.upload->offset() == at);
        CHECK(resumed.prefix.has_value() == (at > 0));
        if (resumed.prefix) CHECK(*resumed.prefix == digestOf(kPrefix, bytesOf(content).first(at)));
        resumed.upload->write(bytesOf(content).subspan(at));
        const auto digests = resumed.upload->finish();
        REQUIRE(digests.size() == 1);
        CHECK(digests[0] == digestOf(DigestAlgorithm::Md5, bytesOf(content)));
        CHECK_FALSE(disk.storage->reservedBytes() > 0);
        std::vector<CommitItem> items(1);
        items[0] = {std::move(resumed.upload), digests, std::nullopt};
        disk.storage->commit(items);
        CHECK_FALSE(items[0].failure.has_value());
        CHECK(readText(disk.at("d/a")) == content);
        CHECK((statOf(disk.at("d/a")).st_mode & 0777) == 0644);
        CHECK(disk.parts() == 0);
      }
    }
  }
}

TEST_CASE("a large part is taken up in steps, and kept when that is given up before the end") {
  constexpr std::size_t kSize = 9 << 20;
  constexpr std::size_t kAt = (7 << 20) + 1;
  Disk disk;
  const std::string content = patterned(kSize);
  const PutSpec spec = disk.partSpec("a", kSize);
  cut(disk, spec, content, kAt);
  disk.restart();  // its digests are not remembered
  for (const int steps : {0, 1, 3}) {
    const auto given = disk.storage->resume(spec, kPrefix);
    for (int i = 0; i < steps; ++i) CHECK_FALSE(given->takeUp());
  }
  CHECK(statOf(onlyPart(disk)).st_size == kAt);
  const auto upload = disk.storage->resume(spec, DigestAlgorithm::Md5);
  int steps = 1;
  while (!upload->takeUp()) ++steps;
  CHECK(steps == 8);
  CHECK(upload->offset() == kAt);
  CHECK(upload->prefix() == digestOf(DigestAlgorithm::Md5, bytesOf(content).first(kAt)));
  upload->write(bytesOf(content).subspan(kAt));
  CHECK(upload->finish()[0] == digestOf(kPrefix, bytesOf(content)));
}

TEST_CASE("the space that was reserved for the rest of a cut upload is given back") {
  Disk disk;
  constexpr std::size_t kSize = 64 << 20;
  cut(disk, disk.partSpec("a", kSize), patterned(kSize), 100'000);
  CHECK(statOf(onlyPart(disk)).st_size == 100'000);
  CHECK(statOf(onlyPart(disk)).st_blocks * 512 < 1'000'000);
  CHECK(disk.storage->reservedBytes() == 0);
}

TEST_CASE("a part that was damaged has another prefix digest, and can be begun anew") {
  Disk disk;
  const std::string content = patterned(50'000);
  const PutSpec spec = disk.partSpec("a", content.size());
  cut(disk, spec, content, 30'000);
  {
    const UniqueFd fd(::open(onlyPart(disk).c_str(), O_WRONLY | O_CLOEXEC));
    REQUIRE(::pwrite(fd.get(), "damage", 6, 29'000) == 6);
  }
  Disk::Resumed resumed = disk.resume(spec, kPrefix);
  REQUIRE(resumed.prefix.has_value());
  CHECK(*resumed.prefix != digestOf(kPrefix, bytesOf(content).first(30'000)));
  resumed.upload->restart();
  CHECK(resumed.upload->offset() == 0);
  resumed.upload->write(bytesOf(content));
  CHECK(resumed.upload->finish()[0] == digestOf(kPrefix, bytesOf(content)));
}

TEST_CASE("an upload that is of no use leaves no part") {
  Disk disk;
  const PutSpec spec = disk.partSpec("a", 1000);
  auto upload = disk.resume(spec, kPrefix).upload;
  upload->write(bytesOf(patterned(1000)));
  CHECK(upload->finish().size() == 1);
  upload->discard();
  upload.reset();
  CHECK(disk.parts() == 0);
  CHECK(disk.staged() == 0);
  CHECK(disk.resume(spec, kPrefix).upload->offset() == 0);
}

TEST_CASE("another size, time or name is another upload") {
  Disk disk;
  const PutSpec spec = disk.partSpec("a", 1000);
  cut(disk, spec, patterned(1000), 500);
  PutSpec otherTime = spec;
  ++*otherTime.mtimeNs;
  CHECK(disk.resume(otherTime, kPrefix).upload->offset() == 0);
  CHECK(disk.resume(disk.partSpec("a", 1001), kPrefix).upload->offset() == 0);
  CHECK(disk.resume(disk.partSpec("b", 1000), kPrefix).upload->offset() == 0);
  CHECK(disk.resume(spec, kPrefix).upload->offset() == 500);
}

TEST_CASE("a part that could not be claimed for want of memory can be claimed when there is some") {
  PartStore store(-1, std::chrono::hours(1));
  {
    const ScarceMemory scarce(sizeof(PartClaim));
    CHECK_THROWS_AS(store.claim("part"), std::bad_alloc);
  }
  const auto claim = store.claim("part");
  CHECK(claim);
  CHECK_FALSE(store.claim("part"));
}

TEST_CASE("a part that is longer than the file is dropped") {
  Disk disk;
  const PutSpec spec = disk.partSpec("a", 1000);
  cut(disk, spec, patterned(1000), 500);
  fs::resize_file(onlyPart(disk), 1001);
  const Disk::Resumed resumed = disk.resume(spec, kPrefix);
  CHECK(resumed.upload->offset() == 0);
  CHECK_FALSE(resumed.prefix.has_value());
  CHECK(disk.parts() == 0);
}

TEST_CASE("what is not a regular file of one name is never taken as a part") {
  Disk disk;
  const PutSpec spec = disk.partSpec("a", 1000);
  cut(disk, spec, patterned(1000), 500);
  const fs::path part = onlyPart(disk);
  const fs::path outside = disk.folder.path() / "outside";
  writeText(outside, "canary");
  fs::remove(part);
  SUBCASE("a link") { fs::create_symlink(outside, part); }
  SUBCASE("a second name of another file") { fs::create_hard_link(outside, part); }
  SUBCASE("a fifo") { REQUIRE(::mkfifo(part.c_str(), 0600) == 0); }
  Disk::Resumed resumed = disk.resume(spec, kPrefix);
  CHECK(resumed.upload->offset() == 0);
  resumed.upload->write(bytesOf(patterned(1000)));
  CHECK_FALSE(disk.store(std::move(resumed.upload)).has_value());
  CHECK(readText(outside) == "canary");
  CHECK(disk.get("a") == patterned(1000));
}

TEST_CASE("a part that another upload still has is taken as soon as it is let go, and nothing is promised before") {
  Disk disk;
  disk.options.partWait = std::chrono::minutes(1);
  disk.restart();
  const PutSpec spec = disk.partSpec("a", 1000);
  auto first = disk.resume(spec, kPrefix).upload;
  first->write(bytesOf(patterned(400)));
  const auto second = disk.storage->resume(spec, kPrefix);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(second->takeUp());
    CHECK(second->waitsForPart());
  }
  CHECK(disk.storage->reservedBytes() == 600);
  first.reset();
  while (!second->takeUp()) CHECK_FALSE(second->waitsForPart());
  CHECK_FALSE(second->waitsForPart());
  CHECK(second->offset() == 400);
  CHECK(disk.storage->reservedBytes() == 600);
}

TEST_CASE("a part that another upload keeps is not taken, and the second upload leaves nothing") {
  Disk disk;
  disk.options.partWait = std::chrono::milliseconds(0);
  disk.restart();
  const PutSpec spec = disk.partSpec("a", 1000);
  auto first = disk.resume(spec, kPrefix).upload;
  first->write(bytesOf(patterned(400)));
  auto second = disk.resume(spec, kPrefix).upload;
  CHECK(second->offset() == 0);
  second->write(bytesOf(patterned(700)));
  second.reset();
  CHECK(disk.staged() == 0);
  CHECK(disk.parts() == 1);
  first.reset();
  CHECK(disk.resume(spec, kPrefix).upload->offset() == 400);
}

TEST_CASE("a hole at the end of a cut upload is part of what was kept") {
  Disk disk;
  PutSpec spec = disk.partSpec("a", 100'000);
  spec.dataSize = 5;
  {
    auto upload = disk.resume(spec, kPrefix).upload;
    upload->write(bytesOf("hello"));
    upload->writeHole(50'000);
  }
  auto resumed = disk.resume(spec, kPrefix);
  CHECK(resumed.upload->offset() == 50'005);
  Digest expected(kPrefix);
  expected.update(bytesOf("hello"));
  expected.updateZeros(50'000);
  CHECK(resumed.prefix == expected.value());
}

TEST_CASE("the rules of a fresh upload hold for a resumed one") {
  Disk disk;
  disk.put("a", "there");
  PutSpec spec = disk.partSpec("a", 10);
  spec.naming.replace = false;
  CHECK(failureOf([&] { disk.resume(spec, kPrefix); }) == ErrorCode::Exists);
  auto resumed = disk.resume(disk.partSpec("b", 10), kPrefix);
  CHECK(failureOf([&] { resumed.upload->write(bytesOf("12345678901")); }) == ErrorCode::TooLarge);
}

TEST_CASE("parts of uploads in progress do not expire, others do after their time") {
  Disk disk;
  disk.options.partExpire = std::chrono::milliseconds(-10'000);  // everything is too old at once
  const PutSpec spec = disk.partSpec("a", 1000);
  disk.storage = nullptr;
  disk.start();
  auto upload = disk.resume(spec, kPrefix).upload;
  upload->write(bytesOf(patterned(400)));
  disk.storage->expireParts(std::chrono::hours(1));
  CHECK(disk.parts() == 1);
  upload.reset();
  CHECK(disk.parts() == 1);
  disk.storage->expireParts(std::chrono::hours(1));
  CHECK(disk.parts() == 0);
}

TEST_CASE("a part that is too old is not offered, though nobody has removed it yet") {
  Disk disk;
  const PutSpec spec = disk.partSpec("a", 1000);
  cut(disk, spec, patterned(1000), 400);
  REQUIRE(disk.parts() == 1);
  disk.options.partExpire = std::chrono::milliseconds(-10'000);
  disk.storage = nullptr;
  disk.start();
  writeText(disk.at(".ftpd/parts/" + PartStore::partName(spec)), patterned(400));
  CHECK(disk.resume(spec, kPrefix).upload->offset() == 0);
}

TEST_CASE("the parts are looked through in slices, and each goes on where the last one ended") {
  Disk disk;
  disk.options.partExpire = std::chrono::milliseconds(-10'000);
  disk.restart();
  constexpr int kParts = 200;
  for (int i = 0; i < kParts; ++i) writeText(disk.at(".ftpd/parts/" + std::to_string(i)), "x");
  CHECK_FALSE(disk.storage->expireParts(std::chrono::milliseconds(0)));
  CHECK(disk.parts() == kParts);
  while (!disk.storage->expireParts(std::chrono::milliseconds(1))) continue;
  CHECK(disk.parts() == 0);
}

TEST_CASE("the bytes of the parts are counted also when no more files can be opened, and not guessed") {
  const TempFolder folder;
  fs::create_directory(folder.path() / "parts");
  const UniqueFd fd(::open((folder.path() / "parts").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  PartStore parts(fd.get(), std::chrono::hours(1));
  writeText(folder.path() / "parts/1", patterned(10'000 - 4096));
  writeText(folder.path() / "parts/2", "a block");
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit none{0, limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const Usage counted = parts.usageOf("");
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(counted.files == 2);
  CHECK(counted.bytes == 10'000);
  fs::remove_all(folder.path() / "parts");
  PartStore gone(fd.get(), std::chrono::hours(1));
  CHECK(failureOf([&] { gone.usageOf(""); }) == ErrorCode::NotFound);
}

TEST_CASE("what the parts take is known without reading the folder, whatever becomes of them") {
  Disk disk;
  const auto left = [&](const char* owner) { return disk.storage->partsOf(owner); };
  PutSpec spec = disk.partSpec("a", 20'000);
  spec.owner = "anna";
  CHECK(left("anna").files == 0);
  cut(disk, spec, patterned(20'000), 10'000);
  CHECK(left("anna").bytes == 10'000);
  CHECK(left("anna").files == 1);
  CHECK(left("bert").files == 0);
  {
    const auto upload = disk.resume(spec, kPrefix).upload;
    CHECK(left("anna").files == 0);
    upload->write(bytesOf(patterned(20'000)).subspan(10'000, 5000));
  }
  CHECK(left("anna").bytes == 15'000);
  // Removed by another program: that is noticed when the parts are looked through.
  fs::remove(onlyPart(disk));
  CHECK(left("anna").files == 1);
  disk.storage->expireParts(std::chrono::seconds(5));
  CHECK(left("anna").files == 0);
  cut(disk, spec, patterned(20'000), 1);
  CHECK(left("anna").bytes == 4096);
  disk.storage->removeOldestParts("bert", {1, 1});
  CHECK(left("anna").files == 1);
  disk.storage->removeOldestParts("anna", {1, 0});
  CHECK(left("anna").files == 0);
  CHECK(left("anna").bytes == 0);
  cut(disk, spec, patterned(20'000), 7000);
  auto upload = disk.resume(spec, kPrefix).upload;
  upload->write(bytesOf(patterned(20'000)).subspan(7000));
  CHECK_FALSE(disk.store(std::move(upload)).has_value());
  CHECK(left("anna").files == 0);
}

TEST_CASE("what is too little to be worth a part is not kept, and removed where it was left before") {
  constexpr std::size_t kLeast = 65'536;
  Disk disk;
  disk.options.leastPart = DiskStorageOptions().leastPart;
  disk.restart();
  const PutSpec spec = disk.partSpec("a", 100'000);
  cut(disk, spec, patterned(100'000), kLeast - 1);
  CHECK(disk.parts() == 0);
  CHECK(disk.staged() == 0);
  writeText(disk.at(".ftpd/parts/old"), patterned(kLeast - 1));
  disk.storage->expireParts(std::chrono::seconds(5));
  CHECK(disk.parts() == 0);
  cut(disk, spec, patterned(100'000), kLeast);
  CHECK(disk.parts() == 1);
  CHECK(disk.resume(spec, kPrefix).upload->offset() == kLeast);
}

TEST_CASE("where there are many parts, a few more go than are needed, so that they are not all read each time") {
  Disk disk;
  PutSpec spec = disk.partSpec("a", 10);
  spec.owner = "anna";
  for (int i = 0; i < 64; ++i) {
    ++*spec.mtimeNs;
    cut(disk, spec, patterned(10), 5);
  }
  disk.storage->removeOldestParts("anna", {1, 0});
  CHECK(disk.parts() == 60);
  disk.storage->removeOldestParts("anna", {4096 * 5, 0});
  CHECK(disk.parts() == 55);
}

TEST_CASE("many threads resume the same upload, and each file that is stored is whole") {
  Disk disk;
  const std::string content = patterned(300'000);
  const PutSpec spec = disk.partSpec("a", content.size());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 15; ++i) {
        auto resumed = disk.resume(spec, kPrefix);
        const std::uint64_t at = resumed.upload->offset();
        if (resumed.prefix && *resumed.prefix != digestOf(kPrefix, bytesOf(content).first(at))) ++wrong;
        const bool whole = (t + i) % 3 == 0;
        const std::uint64_t rest = content.size() - at;
        resumed.upload->write(bytesOf(content).subspan(at, whole ? rest : rest / 3));
        if (whole && disk.store(std::move(resumed.upload))) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(disk.get("a") == content);
  CHECK(disk.staged() == 0);
  CHECK(disk.storage->reservedBytes() == 0);
}

}  // namespace
}  // namespace ft::testing
