// Downloads, lists and looks.
#include "common/file_time.h"
#include "tests/server/disk_fixture.h"

namespace ft::testing {
namespace {

TEST_CASE("a download has the content, size, time and mode of its file") {
  onBothLookups([](Disk& disk) {
    PutSpec spec = disk.spec("d/a", 5);
    spec.mtimeNs = 1'600'000'000'000'000'001;
    spec.mode = 0640;
    disk.put(spec, "hello");
    const auto download = disk.storage->open(disk.name("d/a"));
    CHECK(download->info().type == FileType::File);
    CHECK(download->info().size == 5);
    CHECK(download->info().mtimeNs == 1'600'000'000'000'000'001);
    CHECK(download->info().mode == 0640);
    CHECK(download->fd() >= 0);
    std::array<std::byte, 10> block{};
    CHECK(download->read(0, block) == 5);
    CHECK(download->read(4, block) == 1);
    CHECK(download->read(5, block) == 0);
    CHECK(download->read(~std::uint64_t{0}, block) == 0);
  });
}

TEST_CASE("what is not a regular file cannot be opened, and opening never blocks") {
  onBothLookups([](Disk& disk) {
    disk.put("d/a", "hello");
    REQUIRE(::mkfifo(disk.at("fifo").c_str(), 0600) == 0);
    REQUIRE(::mknod(disk.at("null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
    REQUIRE(::mknod(disk.at("socket").c_str(), S_IFSOCK | 0666, 0) == 0);
    const auto open = [&](std::string_view name) { return failureOf([&] { disk.storage->open(disk.name(name)); }); };
    CHECK(open("none") == ErrorCode::NotFound);
    CHECK(open("none/a") == ErrorCode::NotFound);
    CHECK(open("d") == ErrorCode::IsDirectory);
    CHECK(open("") == ErrorCode::IsDirectory);
    CHECK(open("d/a/b") == ErrorCode::NotDirectory);
    CHECK(open("fifo") == ErrorCode::Forbidden);
    CHECK(open("null") == ErrorCode::Forbidden);
    CHECK(open("socket") == ErrorCode::Forbidden);
    CHECK(disk.storage->stat(disk.name("fifo")).type == FileType::Other);
  });
}

TEST_CASE("a reader keeps the version that it has opened, whatever is stored, removed or renamed meanwhile") {
  Disk disk;
  disk.put("a", "old content");
  const auto download = disk.storage->open(disk.name("a"));
  disk.put("a", "new");
  std::array<std::byte, 20> block{};
  CHECK(download->read(0, block) == 11);
  CHECK(std::memcmp(block.data(), "old content", 11) == 0);
  CHECK_FALSE(download->changed());
  CHECK(disk.get("a") == "new");
  const auto second = disk.storage->open(disk.name("a"));
  disk.storage->remove(disk.name("a"), false, kNoHurry);
  CHECK(second->read(0, block) == 3);
  CHECK_FALSE(second->changed());
}

TEST_CASE("a file that is written in place has changed, also when its time is set back") {
  Disk disk;
  disk.put("a", "0123456789");
  const auto download = disk.storage->open(disk.name("a"));
  CHECK_FALSE(download->changed());
  const auto before = statOf(disk.at("a"));
  const UniqueFd fd(::open(disk.at("a").c_str(), O_WRONLY | O_CLOEXEC));
  SUBCASE("grown") { REQUIRE(::pwrite(fd.get(), "x", 1, 10) == 1); }
  SUBCASE("cut") { REQUIRE(::ftruncate(fd.get(), 3) == 0); }
  SUBCASE("overwritten, with the old time") {
    // The kernel's clock for times moves in ticks.
    const timespec times[2] = {before.st_atim, before.st_mtim};
    do {
      REQUIRE(::pwrite(fd.get(), "x", 1, 0) == 1);
      REQUIRE(::futimens(fd.get(), times) == 0);
    } while (nanoseconds(statOf(disk.at("a")).st_ctim) == nanoseconds(before.st_ctim));
  }
  CHECK(download->changed());
}

TEST_CASE("digests of a put are remembered for the file, and for no other version of it") {
  onBothLookups([](Disk& disk) {
    const std::string first(kShortestToRemember, 'a');
    const std::string second(kShortestToRemember, 'b');
    const auto known = [&](DigestAlgorithm algorithm) {
      return disk.storage->open(disk.name("a"))->knownDigest(algorithm);
    };
    disk.put("a", first);
    CHECK(known(DigestAlgorithm::Xxh128) == digestOf(DigestAlgorithm::Xxh128, bytesOf(first)));
    CHECK_FALSE(known(DigestAlgorithm::Md5).has_value());
    disk.put("a", second);
    CHECK(known(DigestAlgorithm::Xxh128) == digestOf(DigestAlgorithm::Xxh128, bytesOf(second)));
    writeText(disk.at("a"), second + "b");
    CHECK_FALSE(known(DigestAlgorithm::Xxh128).has_value());
  });
}

TEST_CASE("a digest that was taken while reading is remembered, but not when the file has changed meanwhile") {
  Disk disk;
  const std::string content(kShortestToRemember, 'a');
  writeText(disk.at("a"), content);
  const DigestValue digest = digestOf(DigestAlgorithm::Md5, bytesOf(content));
  disk.storage->open(disk.name("a"))->rememberDigest(digest);
  CHECK(disk.storage->open(disk.name("a"))->knownDigest(DigestAlgorithm::Md5) == digest);
  const auto download = disk.storage->open(disk.name("a"));
  writeText(disk.at("a"), content + "!");
  download->rememberDigest(digest);
  CHECK_FALSE(disk.storage->open(disk.name("a"))->knownDigest(DigestAlgorithm::Md5).has_value());
}

TEST_CASE("digests of short files are not remembered: to take them anew costs no more") {
  Disk disk;
  const std::string content(kShortestToRemember - 1, 'a');
  disk.put("a", content);
  const auto download = disk.storage->open(disk.name("a"));
  download->rememberDigest(digestOf(DigestAlgorithm::Md5, bytesOf(content)));
  CHECK_FALSE(download->knownDigest(DigestAlgorithm::Xxh128).has_value());
  CHECK_FALSE(download->knownDigest(DigestAlgorithm::Md5).has_value());
}

TEST_CASE("holes are found, data is found between them, and a file without holes is one piece") {
  Disk disk;
  constexpr std::uint64_t kHole = 1 << 20;
  PutSpec spec = disk.spec("sparse", 3 * kHole);
  spec.dataSize = kHole;
  auto upload = disk.storage->begin(spec);
  upload->writeHole(kHole);
  upload->write(bytesOf(patterned(kHole)));
  upload->writeHole(kHole);
  REQUIRE_FALSE(disk.store(std::move(upload)).has_value());
  const auto sparse = disk.storage->open(disk.name("sparse"));
  CHECK(sparse->nextData(0).begin == kHole);
  CHECK(sparse->nextData(0).end == 2 * kHole);
  CHECK(sparse->nextData(kHole + 5).begin == kHole + 5);
  CHECK(sparse->nextData(2 * kHole).begin == 3 * kHole);
  CHECK(sparse->nextData(2 * kHole).end == 3 * kHole);
  CHECK(sparse->nextData(9 * kHole).begin == 3 * kHole);
  disk.put("dense", patterned(100'000));
  const auto dense = disk.storage->open(disk.name("dense"));
  CHECK(dense->nextData(10).begin == 10);
  CHECK(dense->nextData(10).end == 100'000);
  disk.put("empty", "");
  CHECK(disk.storage->open(disk.name("empty"))->nextData(0).end == 0);
}

TEST_CASE("pages of a list hold every name once, whatever their size, and never the daemon's own folder") {
  onBothLookups([](Disk& disk) {
    std::set<std::string> expected;
    for (int i = 0; i < 200; ++i) expected.insert("file" + std::to_string(i));
    for (const std::string& name : expected) disk.put(name, "x");
    disk.put("folder/inner", "y");
    fs::create_directory(disk.at("folder/.ftpd"));
    fs::create_symlink("/etc/passwd", disk.at("link"));
    expected.insert({"folder", "link"});
    for (const std::size_t limit : {std::size_t{1}, std::size_t{7}, std::size_t{202}, std::size_t{1000}}) {
      for (const std::size_t nameBytes : {std::size_t{1}, std::size_t{50}, std::size_t{100'000}}) {
        std::multiset<std::string> seen;
        std::string after;
        do {
          const FolderPage page = disk.storage->list(FileName::root(), after, {limit, nameBytes});
          CHECK(page.entries.size() <= limit);
          for (const FolderEntry& entry : page.entries) {
            seen.insert(entry.name);
            const FileType type = entry.name == "folder" ? FileType::Folder
                                  : entry.name == "link" ? FileType::Link
                                                         : FileType::File;
            CHECK(entry.info.type == type);
          }
          after = page.next;
        } while (!after.empty());
        CHECK(seen == std::multiset<std::string>(expected.begin(), expected.end()));
      }
    }
    CHECK(disk.list("folder") == std::set<std::string>{".ftpd", "inner"});
  });
}

TEST_CASE("names that no client could ask for are counted and not listed") {
  Disk disk;
  disk.put("good", "x");
  for (const char* name : {"bad\xff", "line\nbreak", "back\\slash", "esc\x1b[31m"}) writeText(disk.at(name), "x");
  const FolderPage page = disk.storage->list(FileName::root(), "", {100, 10'000});
  REQUIRE(page.entries.size() == 1);
  CHECK(page.entries[0].name == "good");
  CHECK(page.skipped == 4);
}

TEST_CASE("a list of what is no folder, or from what is no cursor, is refused") {
  onBothLookups([](Disk& disk) {
    disk.put("a", "x");
    const auto list = [&](std::string_view name, const std::string& after) {
      return failureOf([&] { disk.storage->list(disk.name(name), after, {10, 1000}); });
    };
    CHECK(list("none", "") == ErrorCode::NotFound);
    CHECK(list("a", "") == ErrorCode::NotDirectory);
    for (const char* cursor : {"x", "-1", "1x", " 1", "+1", "99999999999999999999", "0x10", ""}) {
      CAPTURE(cursor);
      CHECK(list("", cursor) == (*cursor == '\0' ? std::nullopt : std::optional(ErrorCode::BadRequest)));
    }
  });
}

TEST_CASE("many names are looked at in one call, below any folder, also one that is missing") {
  onBothLookups([](Disk& disk) {
    disk.put("d/a", "12345");
    disk.put("d/sub/b", "1");
    const std::vector<std::string> names{"a", "sub", "sub/b", "none", "a/b", "none/x"};
    const auto infos = disk.storage->statMany(disk.name("d"), names);
    REQUIRE(infos.size() == 6);
    CHECK(infos[0]->size == 5);
    CHECK(infos[1]->type == FileType::Folder);
    CHECK(infos[2]->size == 1);
    for (std::size_t i = 3; i < 6; ++i) CHECK_FALSE(infos[i].has_value());
    for (const auto& info : disk.storage->statMany(disk.name("missing"), names)) CHECK_FALSE(info.has_value());
    const std::vector<std::string> bad{"../a"};
    CHECK(failureOf([&] { disk.storage->statMany(disk.name("d"), bad); }) == ErrorCode::NameInvalid);
    CHECK(failureOf([&] { disk.storage->statMany(disk.name("d/a"), names); }) == ErrorCode::NotDirectory);
    CHECK(disk.storage->stat(FileName::root()).type == FileType::Folder);
    CHECK(failureOf([&] { disk.storage->stat(disk.name("none")); }) == ErrorCode::NotFound);
  });
}

}  // namespace
}  // namespace ft::testing
