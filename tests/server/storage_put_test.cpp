// What is promised of files on their way in.
#include <thread>

#include "common/unique_fd.h"
#include "tests/server/disk_fixture.h"

namespace ft::testing {
namespace {

constexpr std::size_t kMiB = 1 << 20;

TEST_CASE("a stored file has the content, the size and the digest of what was written, at any size") {
  onBothLookups([](Disk& disk) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{8192},
                                   std::size_t{8193}, kMiB - 1, kMiB, 2 * kMiB, 2 * kMiB + 1, 5 * kMiB + 3}) {
      CAPTURE(size);
      const std::string content = patterned(size);
      auto upload = disk.storage->begin(disk.spec("a.bin", size));
      for (std::size_t at = 0; at < size; at += 300'000)
        upload->write(bytesOf(content).subspan(at, std::min<std::size_t>(300'000, size - at)));
      CHECK(upload->offset() == size);
      const auto digests = upload->finish();
      REQUIRE(digests.size() == 1);
      CHECK(digests[0] == digestOf(DigestAlgorithm::Xxh128, bytesOf(content)));
      std::vector<CommitItem> items(1);
      items[0] = {std::move(upload), digests, std::nullopt};
      disk.storage->commit(items);
      CHECK_FALSE(items[0].failure.has_value());
      CHECK(items[0].upload == nullptr);
      CHECK(readText(disk.at("a.bin")) == content);
    }
    CHECK(disk.staged() == 0);
    CHECK(disk.storage->reservedBytes() == 0);
  });
}

TEST_CASE("every durability stores the same") {
  for (const auto durability : {DiskStorageOptions::Durability::Full, DiskStorageOptions::Durability::File,
                                DiskStorageOptions::Durability::None}) {
    Disk disk;
    disk.options.durability = durability;
    disk.restart();
    disk.put("new/folders/a", patterned(3 * kMiB));
    disk.put("new/b", "second");
    CHECK(readText(disk.at("new/folders/a")) == patterned(3 * kMiB));
    CHECK(readText(disk.at("new/b")) == "second");
  }
}

TEST_CASE("all digests that were asked for are taken at once, in their order, for small and large files") {
  Disk disk;
  for (const std::size_t size : {std::size_t{5000}, 3 * kMiB}) {
    const std::string content = patterned(size);
    PutSpec spec = disk.spec("a", size);
    spec.digests = {DigestAlgorithm::Sha256, DigestAlgorithm::Md5, DigestAlgorithm::Xxh128};
    auto upload = disk.storage->begin(spec);
    upload->write(bytesOf(content));
    const auto digests = upload->finish();
    REQUIRE(digests.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) CHECK(digests[i] == digestOf(spec.digests[i], bytesOf(content)));
  }
}

TEST_CASE("a body of unknown size is stored and digested, below and above the size where another thread follows") {
  Disk disk;
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, 2 * kMiB + 1, 20 * kMiB}) {
    const std::string content = patterned(size);
    auto upload = disk.storage->begin(disk.spec("stream", std::nullopt));
    for (std::size_t at = 0; at < size; at += 65'536)
      upload->write(bytesOf(content).subspan(at, std::min<std::size_t>(65'536, size - at)));
    CHECK(upload->finish()[0] == digestOf(DigestAlgorithm::Xxh128, bytesOf(content)));
  }
}

TEST_CASE("bytes that come through a pipe are stored and digested like others, mixed with others") {
  Disk disk;
  const std::string content = patterned(100'000);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd readEnd(ends[0]), writeEnd(ends[1]);
  auto upload = disk.storage->begin(disk.spec("piped", content.size()));
  upload->write(bytesOf(content).first(10'001));
  std::size_t at = 10'001;
  while (at < content.size()) {
    const std::size_t count = std::min<std::size_t>(50'000, content.size() - at);
    REQUIRE(::write(writeEnd.get(), content.data() + at, count) == static_cast<ssize_t>(count));
    for (std::size_t moved = 0; moved < count;) moved += upload->writeFromPipe(readEnd.get(), count - moved);
    at += count;
  }
  CHECK(upload->finish()[0] == digestOf(DigestAlgorithm::Xxh128, bytesOf(content)));
  CHECK_FALSE(disk.store(disk.storage->begin(disk.spec("empty", 0))).has_value());
}

TEST_CASE("bytes from a pipe that are not digested yet are so before a hole, other bytes or the end") {
  Disk disk;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd readEnd(ends[0]), writeEnd(ends[1]);
  for (const DigestAlgorithm algorithm : kDigestAlgorithms) {
    PutSpec spec = disk.spec("mixed", std::nullopt);
    spec.digests = {algorithm};
    auto upload = disk.storage->begin(spec);
    Digest expected(algorithm);
    for (unsigned i = 0; i < 30; ++i) {
      const std::string content = patterned(60'000, i);
      expected.update(bytesOf(content));
      if (i % 3 == 0) {
        upload->write(bytesOf(content));
        continue;
      }
      REQUIRE(::write(writeEnd.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
      for (std::size_t moved = 0; moved < content.size();) {
        moved += upload->writeFromPipe(readEnd.get(), content.size() - moved);
      }
      if (i % 5 != 0) continue;
      upload->writeHole(100'000);
      expected.updateZeros(100'000);
    }
    CHECK(upload->finish()[0] == expected.value());
  }
}

TEST_CASE("an upload that is dropped leaves nothing, whatever its size and state") {
  Disk disk;
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, 4 * kMiB}) {
    for (const bool finished : {false, true}) {
      auto upload = disk.storage->begin(disk.spec("sub/a", size));
      upload->write(bytesOf(patterned(finished ? size : size / 2)));
      if (finished) static_cast<void>(upload->finish());
      upload.reset();
      CHECK(disk.staged() == 0);
      CHECK_FALSE(fs::exists(disk.at("sub")));
      CHECK(disk.storage->reservedBytes() == 0);
    }
  }
}

TEST_CASE("a body that is longer or shorter than announced is refused") {
  Disk disk;
  auto upload = disk.storage->begin(disk.spec("a", 10));
  upload->write(bytesOf("12345"));
  CHECK(failureOf([&] { upload->write(bytesOf("678901")); }) == ErrorCode::TooLarge);
  CHECK(failureOf([&] { upload->writeHole(6); }) == ErrorCode::TooLarge);
  CHECK(failureOf([&] { upload->writeHole(~std::uint64_t{0}); }) == ErrorCode::TooLarge);
  CHECK(failureOf([&] { static_cast<void>(upload->finish()); }) == ErrorCode::Integrity);
  upload->write(bytesOf("67890"));
  CHECK_FALSE(disk.store(std::move(upload)).has_value());
  CHECK(readText(disk.at("a")) == "1234567890");
  CHECK(failureOf([&] { disk.storage->begin(disk.spec("b", ~std::uint64_t{0})); }) == ErrorCode::TooLarge);
}

TEST_CASE("mode and mtime are stored exactly, and the mode of the options otherwise, whatever the umask") {
  for (const mode_t mask : {mode_t{022}, mode_t{077}, mode_t{0}}) {
    CAPTURE(mask);
    const mode_t before = ::umask(mask);
    Disk disk;
    disk.options.umask = mask;
    disk.restart();
    PutSpec spec = disk.spec("new/a", 1);
    spec.mtimeNs = -1;  // the last nanosecond of 1969
    spec.mode = 07751;
    disk.put(spec, "x");
    disk.put("b", "y");
    ::umask(before);
    const auto a = statOf(disk.at("new/a"));
    CHECK((a.st_mode & 07777) == 0751);
    CHECK(a.st_mtim.tv_sec == -1);
    CHECK(a.st_mtim.tv_nsec == 999'999'999);
    CHECK((statOf(disk.at("b")).st_mode & 07777) == 0644);
    CHECK((statOf(disk.at("new")).st_mode & 07777) == 0755);
    CHECK((statOf(disk.at(".ftpd")).st_mode & 07777) == 0700);
  }
}

TEST_CASE("a put that names no permission bits opens no private file: it keeps those of the file that it replaces") {
  onBothLookups([](Disk& disk) {
    for (const std::uint32_t bits : {0600U, 0755U, 0U}) {
      CAPTURE(bits);
      PutSpec first = disk.spec("a", 3);
      first.mode = bits;
      disk.put(first, "old");
      disk.put("a", "new one");
      CHECK((statOf(disk.at("a")).st_mode & 07777) == bits);
      CHECK(readText(disk.at("a")) == "new one");
    }
    PutSpec named = disk.spec("a", 1);
    named.mode = 0640;
    disk.put(named, "x");
    CHECK((statOf(disk.at("a")).st_mode & 07777) == 0640);
  });
}

TEST_CASE("a target that cannot be a file is refused before the first byte") {
  onBothLookups([](Disk& disk) {
    disk.put("folder/file", "old");
    const auto begin = [&](std::string_view name, bool replace) {
      PutSpec spec = disk.spec(name, 1);
      spec.naming.replace = replace;
      return failureOf([&] { disk.storage->begin(spec); });
    };
    CHECK(begin("folder/file", false) == ErrorCode::Exists);
    CHECK(begin("folder", true) == ErrorCode::IsDirectory);
    CHECK(begin("folder", false) == ErrorCode::IsDirectory);
    CHECK(begin("", true) == ErrorCode::IsDirectory);
    CHECK(begin("folder/file/x", true) == ErrorCode::NotDirectory);
    CHECK(begin("folder/file/x/y", true) == ErrorCode::NotDirectory);
    CHECK(begin("folder/file", true) == std::nullopt);
    CHECK(disk.staged() == 0);
    REQUIRE(::mkfifo(disk.at("fifo").c_str(), 0600) == 0);
    CHECK(begin("fifo", true) == ErrorCode::Forbidden);
  });
}

TEST_CASE("a target that becomes taken while the body arrives is refused at the commit, and stays as it is") {
  onBothLookups([](Disk& disk) {
    PutSpec spec = disk.spec("a", 3);
    spec.naming.replace = false;
    auto first = disk.storage->begin(spec);
    auto second = disk.storage->begin(spec);
    auto third = disk.storage->begin(disk.spec("b", 3));
    auto fourth = disk.storage->begin(disk.spec("c/d", 3));
    first->write(bytesOf("one"));
    second->write(bytesOf("two"));
    third->write(bytesOf("333"));
    fourth->write(bytesOf("444"));
    CHECK_FALSE(disk.store(std::move(first)).has_value());
    auto failure = disk.store(std::move(second));
    REQUIRE(failure.has_value());
    CHECK(failure->code() == ErrorCode::Exists);
    CHECK(readText(disk.at("a")) == "one");
    fs::create_directory(disk.at("b"));
    failure = disk.store(std::move(third));
    REQUIRE(failure.has_value());
    CHECK(failure->code() == ErrorCode::IsDirectory);
    writeText(disk.at("c"), "in the way");
    failure = disk.store(std::move(fourth));
    REQUIRE(failure.has_value());
    CHECK(failure->code() == ErrorCode::NotDirectory);
    CHECK(disk.staged() == 0);
  });
}

TEST_CASE("a group is committed in its order, the last of one name wins, and one failure harms no other") {
  onBothLookups([](Disk& disk) {
    disk.options.durability = DiskStorageOptions::Durability::Full;
    disk.restart();
    fs::create_directory(disk.at("taken"));
    const std::vector<std::pair<std::string, std::string>> puts{
        {"x/same", "first"}, {"taken2/f", "a"}, {"taken", "b"}, {"x/same", "second"}, {"y", "c"}, {"x/other", "d"}};
    std::vector<CommitItem> items;
    for (const auto& [name, content] : puts) {
      auto upload = disk.storage->begin(disk.spec(name == "taken" ? "taken-later" : name, content.size()));
      upload->write(bytesOf(content));
      auto digests = upload->finish();
      items.push_back({std::move(upload), std::move(digests), std::nullopt});
    }
    fs::create_directory(disk.at("taken-later"));
    disk.storage->commit(items);
    for (std::size_t i = 0; i < items.size(); ++i) {
      CHECK(items[i].failure.has_value() == (i == 2));
      CHECK(items[i].upload == nullptr);
    }
    CHECK(readText(disk.at("x/same")) == "second");
    CHECK(readText(disk.at("x/other")) == "d");
    CHECK(readText(disk.at("y")) == "c");
    CHECK(disk.staged() == 0);
  });
}

TEST_CASE("a large group is stored like a small one, under every durability") {
  for (const auto durability : {DiskStorageOptions::Durability::Full, DiskStorageOptions::Durability::File}) {
    Disk disk;
    disk.options.durability = durability;
    disk.restart();
    std::vector<CommitItem> items;
    for (int i = 0; i < 40; ++i) {
      PutSpec spec = disk.spec("d" + std::to_string(i % 3) + "/f" + std::to_string(i / 2), 3);
      spec.naming.replace = i % 2 == 0;
      auto upload = disk.storage->begin(spec);
      upload->write(bytesOf("abc"));
      auto digests = upload->finish();
      items.push_back({std::move(upload), std::move(digests), std::nullopt});
    }
    fs::create_directories(disk.at("d0/f3"));
    disk.storage->commit(items);
    for (std::size_t i = 0; i < items.size(); ++i) {
      CAPTURE(i);
      // Item 6 meets the folder.
      CHECK(items[i].failure.has_value() == (i == 6));
    }
    CHECK(disk.get("d2/f19") == "abc");
    CHECK(disk.staged() == 0);
  }
}

TEST_CASE("names of 255 bytes work as files and folders, and 64 parts") {
  onBothLookups([](Disk& disk) {
    const std::string longName = std::string(252, 'n') + "\xE2\x82\xAC";
    disk.put(longName + "/" + longName, "deep");
    CHECK(disk.get(longName + "/" + longName) == "deep");
    std::string parts = "p";
    for (int i = 1; i < 64; ++i) parts += "/p";
    disk.put(parts, "64");
    CHECK(disk.get(parts) == "64");
    CHECK(disk.list("") == std::set<std::string>{longName, "p"});
  });
}

TEST_CASE("a folder that is removed or renamed between two commits is made anew") {
  onBothLookups([](Disk& disk) {
    disk.put("d/one", "1");
    fs::rename(disk.at("d"), disk.at("moved"));
    disk.put("d/two", "2");
    CHECK(fs::exists(disk.at("d/two")));
    CHECK_FALSE(fs::exists(disk.at("moved/two")));
    fs::remove_all(disk.at("d"));
    disk.put("d/three", "3");
    CHECK(readText(disk.at("d/three")) == "3");
  });
}

TEST_CASE("eight threads store, read and remove at once, and every file is one whole version") {
  Disk disk;
  std::vector<std::thread> threads;
  std::atomic<int> torn{0};
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&disk, &torn, t] {
      for (unsigned i = 0; i < 60; ++i) {
        const std::string name = "shared/" + std::to_string(i % 5);
        const std::size_t size = i % 20 == 0 ? 3 * kMiB : 5000;
        disk.put(name, std::string(size, static_cast<char>('a' + t)));
        try {
          const std::string content = disk.get(name);
          if (content.empty() || content != std::string(content.size(), content[0])) ++torn;
          if (i % 7 == 0) disk.storage->remove(disk.name(name), false, kNoHurry);
        } catch (const Failure& failure) {
          if (failure.code() != ErrorCode::NotFound) ++torn;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(torn == 0);
  CHECK(disk.staged() == 0);
  CHECK(disk.storage->reservedBytes() == 0);
}

}  // namespace
}  // namespace ft::testing
