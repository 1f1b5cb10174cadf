// What the daemon remembers of digests: of parts, beyond its own end, and of files whose MD5 nobody has asked for yet.
#include "server/storage/digest_keeper.h"

#include <chrono>
#include <thread>

#include "server/storage/digest_index.h"
#include "server/storage/part_digests.h"
#include "tests/server/disk_fixture.h"
#include "tests/support/scarce_memory.h"

namespace ft::testing {
namespace {

constexpr FileVersion kVersion{1, 2, 3, -4, 5};

KnownDigest known(std::uint64_t inode, DigestAlgorithm algorithm = DigestAlgorithm::Md5) {
  return {{7, inode, 300'000, -1, 1'700'000'000'123'456'789}, digestOf(algorithm, bytesOf(std::to_string(inode)))};
}

UniqueFd openFolder(const fs::path& path) { return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

DigestKeeper::Options atOnce(bool md5, bool writeDown) { return {md5, writeDown, std::chrono::milliseconds(0)}; }

template <typename Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_CASE("the running digests of a part are handed out once, and for its very version and algorithms only") {
  const std::vector<DigestAlgorithm> algorithms{DigestAlgorithm::Xxh128};
  const auto keep = [&](PartDigests& parts) {
    DigestSet digests(algorithms);
    digests.update(bytesOf("hello"));
    parts.keep("part", kVersion, std::move(digests));
  };
  PartDigests parts(2);
  keep(parts);
  auto taken = parts.take("part", kVersion, algorithms);
  REQUIRE(taken.has_value());
  CHECK(taken->value(DigestAlgorithm::Xxh128) == digestOf(DigestAlgorithm::Xxh128, bytesOf("hello")));
  CHECK_FALSE(parts.take("part", kVersion, algorithms).has_value());
  keep(parts);
  CHECK_FALSE(parts.take("other", kVersion, algorithms).has_value());
  CHECK_FALSE(parts.take("part", {1, 2, 3, -4, 6}, algorithms).has_value());
  keep(parts);
  CHECK_FALSE(parts.take("part", kVersion, {DigestAlgorithm::Xxh128, DigestAlgorithm::Md5}).has_value());
  keep(parts);
  parts.keep("second", kVersion, DigestSet(algorithms));
  parts.keep("third", kVersion, DigestSet(algorithms));
  CHECK_FALSE(parts.take("part", kVersion, algorithms).has_value());
  CHECK(parts.take("third", kVersion, algorithms).has_value());
}

TEST_CASE("what was appended is there for the next one, without the line that a crash has cut") {
  const TempFolder folder;
  const UniqueFd fd = openFolder(folder.path());
  const std::vector<KnownDigest> two{known(1), known(2)};
  DigestIndex(fd.get()).append(two);
  {
    std::ofstream file(folder.path() / "digests", std::ios::app | std::ios::binary);
    file << writeKnownDigest(known(3)).substr(0, 40);
  }
  DigestCache cache;
  DigestIndex index(fd.get());
  index.load(cache);
  CHECK(cache.size() == 2);
  CHECK(cache.find(two[1].version, DigestAlgorithm::Md5) == two[1].digest);
  const std::vector<KnownDigest> more{known(4)};
  index.append(more);
  DigestCache again;
  DigestIndex(fd.get()).load(again);
  CHECK(again.size() == 3);
  CHECK(again.find(more[0].version, DigestAlgorithm::Md5) == more[0].digest);
}

TEST_CASE("a file of digests that is not ours is set aside whole, which is said once, and a new one is begun") {
  const TempFolder folder;
  const UniqueFd fd = openFolder(folder.path());
  const std::string foreign = "somebody's notes\nof many lines\n";
  const auto load = [&] {
    DigestCache cache;
    return DigestIndex(fd.get()).load(cache);
  };
  SUBCASE("short") { writeText(folder.path() / "digests", foreign); }
  SUBCASE("long") {
    writeText(folder.path() / "digests", foreign);
    fs::resize_file(folder.path() / "digests", 65 << 20);
  }
  CHECK(load() == "the file of remembered digests is not one of ours; it is now called digests.other");
  CHECK(readText(folder.path() / "digests.other").starts_with(foreign));
  CHECK(load().empty());
  const std::vector<KnownDigest> one{known(1)};
  DigestIndex(fd.get()).append(one);
  CHECK(readText(folder.path() / "digests") == writeKnownDigest(one[0]));
  // The second time there is no name for it: it stays where it is.
  writeText(folder.path() / "digests", foreign);
  DigestIndex index(fd.get());
  DigestCache cache;
  CHECK_FALSE(index.load(cache).empty());
  index.append(one);
  CHECK(readText(folder.path() / "digests") == foreign);
}

TEST_CASE("a first line that a crash has cut is no reason to set the file aside") {
  const TempFolder folder;
  const UniqueFd fd = openFolder(folder.path());
  writeText(folder.path() / "digests", writeKnownDigest(known(1)).substr(0, 50));
  DigestCache cache;
  DigestIndex index(fd.get());
  CHECK(index.load(cache).empty());
  const std::vector<KnownDigest> one{known(2)};
  index.append(one);
  CHECK(DigestIndex(fd.get()).load(cache).empty());
  CHECK(cache.size() == 1);
}

TEST_CASE("a long file of digests loses its older half, and nothing that is no file of ours is touched") {
  const TempFolder folder;
  const UniqueFd fd = openFolder(folder.path());
  SUBCASE("long") {
    const std::string line = writeKnownDigest(known(1));
    std::string text;
    while (text.size() <= (8U << 20U)) text += line;
    writeText(folder.path() / "digests", text + writeKnownDigest(known(2)));
    DigestCache cache;
    DigestIndex(fd.get()).load(cache);
    CHECK(fs::file_size(folder.path() / "digests") < text.size() / 2 + 1000);
    DigestCache again;
    DigestIndex(fd.get()).load(again);
    CHECK(again.size() == 2);
  }
  SUBCASE("a link") {
    writeText(folder.path() / "precious", "precious");
    SUBCASE("symbolic") { fs::create_symlink(folder.path() / "precious", folder.path() / "digests"); }
    SUBCASE("hard") { fs::create_hard_link(folder.path() / "precious", folder.path() / "digests"); }
    const std::vector<KnownDigest> one{known(1)};
    DigestIndex(fd.get()).append(one);
    CHECK(readText(folder.path() / "precious") == "precious");
  }
}

TEST_CASE("the MD5 of a file that came with another digest is known after a while, and beyond the end of the daemon") {
  Disk disk;
  disk.options.backgroundMd5 = false;
  disk.options.durability = DiskStorageOptions::Durability::File;
  disk.restart();
  const std::string content = patterned(kShortestToRemember);
  disk.put("d/a", content);
  const UniqueFd fd = openFolder(disk.options.root);
  const UniqueFd state = openFolder(disk.at(".ftpd"));
  const RootedFolder root(UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)), true);
  const FileVersion version = versionOf(statOf(disk.at("d/a")));
  const DigestValue md5 = digestOf(DigestAlgorithm::Md5, bytesOf(content));
  {
    DigestCache cache;
    DigestKeeper keeper(root, state.get(), cache, atOnce(true, true));
    keeper.stored(Disk::name("d/a"), version, {digestOf(DigestAlgorithm::Xxh128, bytesOf(content))});
    CHECK(eventually([&] { return cache.find(version, DigestAlgorithm::Md5).has_value(); }));
    CHECK(cache.find(version, DigestAlgorithm::Md5) == md5);
  }
  DigestCache later;
  const DigestKeeper next(root, state.get(), later, atOnce(false, true));
  CHECK(later.find(version, DigestAlgorithm::Md5) == md5);
  CHECK(later.find(version, DigestAlgorithm::Xxh128).has_value());
}

TEST_CASE("no digest is taken of a file that is not what was stored, and none of a short one") {
  Disk disk;
  const std::string content = patterned(kShortestToRemember);
  for (const char* name : {"changed", "good"}) disk.put(name, content);
  disk.put("short", "short");
  const UniqueFd state = openFolder(disk.at(".ftpd"));
  const RootedFolder root(openFolder(disk.options.root), true);
  const FileVersion changed = versionOf(statOf(disk.at("changed")));
  const FileVersion gone{1, 2, content.size(), 4, 5};
  const FileVersion brief = versionOf(statOf(disk.at("short")));
  const FileVersion good = versionOf(statOf(disk.at("good")));
  writeText(disk.at("changed"), content + "!");
  DigestCache cache;
  DigestKeeper keeper(root, state.get(), cache, atOnce(true, false));
  keeper.stored(Disk::name("changed"), changed, {});
  keeper.stored(Disk::name("gone"), gone, {});
  keeper.stored(Disk::name("short"), brief, {});
  keeper.stored(Disk::name("good"), good, {});
  CHECK(eventually([&] { return cache.find(good, DigestAlgorithm::Md5).has_value(); }));
  CHECK(cache.size() == 1);
  CHECK_FALSE(fs::exists(disk.at(".ftpd/digests")));
}

TEST_CASE("memory that runs out while the MD5 of a file is taken costs that one only") {
  constexpr std::size_t kReadBlock = 256 * 1024;
  Disk disk;
  const UniqueFd state = openFolder(disk.at(".ftpd"));
  const RootedFolder root(openFolder(disk.options.root), true);
  DigestCache cache;
  for (const char* name : {"first", "second"}) disk.put(name, patterned(kShortestToRemember));
  const FileVersion second = versionOf(statOf(disk.at("second")));
  DigestKeeper keeper(root, state.get(), cache, atOnce(true, false));
  {
    const ScarceMemory scarce(kReadBlock);
    keeper.stored(Disk::name("first"), versionOf(statOf(disk.at("first"))), {});
    CHECK(eventually([&] { return scarce.wasMet(); }));
  }
  keeper.stored(Disk::name("second"), second, {});
  CHECK(eventually([&] { return cache.find(second, DigestAlgorithm::Md5).has_value(); }));
}

TEST_CASE("the MD5 of a file with holes is that of its zeros, and that of a removed file is not waited for") {
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 40;
  Disk disk;
  const UniqueFd state = openFolder(disk.at(".ftpd"));
  const RootedFolder root(openFolder(disk.options.root), true);
  for (const char* name : {"huge", "sparse"}) disk.put(name, "data");
  fs::resize_file(disk.at("huge"), kHuge);
  fs::resize_file(disk.at("sparse"), kShortestToRemember);
  const FileVersion sparse = versionOf(statOf(disk.at("sparse")));
  DigestCache cache;
  DigestKeeper keeper(root, state.get(), cache, atOnce(true, false));
  keeper.stored(Disk::name("huge"), versionOf(statOf(disk.at("huge"))), {});
  keeper.stored(Disk::name("sparse"), sparse, {});
  SUBCASE("the other one is removed") { disk.storage->remove(Disk::name("huge"), false, kNoHurry); }
  SUBCASE("the other one is changed") { fs::resize_file(disk.at("huge"), 1); }
  CHECK(eventually([&] { return cache.find(sparse, DigestAlgorithm::Md5).has_value(); }));
  Digest expected(DigestAlgorithm::Md5);
  expected.update(bytesOf("data"));
  expected.updateZeros(kShortestToRemember - 4);
  CHECK(cache.find(sparse, DigestAlgorithm::Md5) == expected.value());
}

}  // namespace
}  // namespace ft::testing
