// Digests of large sources, kept from one run to the next.
#include "client/local/source_digests.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "common/unique_fd.h"
#include "tests/client/transfer_fixture.h"

using namespace ft;

namespace {

constexpr std::int64_t kNow = 1'800'000'000'000'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr auto kMd5 = DigestAlgorithm::Md5;
constexpr FileVersion kVersion{5, 6, 100 << 20, kNow - 9 * kSecond, kNow - 8 * kSecond};

DigestValue digestNumber(std::uint64_t number, DigestAlgorithm algorithm = kMd5) {
  const std::string text = std::to_string(number);
  return digestOf(algorithm, std::as_bytes(std::span(text)));
}

const DigestValue kDigest = digestNumber(1);

FileVersion fileNumber(std::uint64_t inode) {
  FileVersion version = kVersion;
  version.inode = inode;
  return version;
}

class Cache {
 public:
  std::string path() const { return folder_.path("cache/ftpc/digests"); }
  std::string text() const { return folder_.read("cache/ftpc/digests"); }
  void write(std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(path()).parent_path());
    folder_.write("cache/ftpc/digests", text);
  }
  // One run of the program.
  SourceDigests run() const {
    return SourceDigests(path(), [] { return kNow; });
  }
  void remember(const FileVersion& version, const DigestValue& digest) const {
    SourceDigests digests = run();
    digests.remember(version, digest);
  }
  std::optional<DigestValue> find(const FileVersion& version, DigestAlgorithm algorithm = kMd5) const {
    return run().find(version, algorithm);
  }
  mode_t mode(const std::string& name) const {
    struct stat info {};
    return ::stat(folder_.path(name).c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
  }
  std::size_t lines() const {
    const std::string all = text();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n'));
  }

 private:
  TestFolder folder_;
};

}  // namespace

TEST_CASE("a digest is known in the next run, for this version of the file and this algorithm only") {
  const Cache cache{};
  CHECK_FALSE(cache.find(kVersion));
  cache.remember(kVersion, kDigest);
  CHECK(cache.find(kVersion) == kDigest);
  CHECK_FALSE(cache.find(kVersion, DigestAlgorithm::Sha256));
  for (const auto field : {&FileVersion::device, &FileVersion::inode, &FileVersion::size}) {
    FileVersion other = kVersion;
    ++(other.*field);
    CHECK_FALSE(cache.find(other));
  }
  for (const auto field : {&FileVersion::mtimeNs, &FileVersion::ctimeNs}) {
    FileVersion other = kVersion;
    ++(other.*field);
    CHECK_FALSE(cache.find(other));
  }
  cache.remember(kVersion, digestNumber(2, DigestAlgorithm::Sha256));
  CHECK(cache.find(kVersion, DigestAlgorithm::Sha256) == digestNumber(2, DigestAlgorithm::Sha256));
  CHECK(cache.find(kVersion) == kDigest);
}

TEST_CASE("folder and file are their owner's alone, and nothing else is left beside the file") {
  const Cache cache{};
  cache.remember(kVersion, kDigest);
  CHECK(cache.mode("cache/ftpc") == 0700);
  CHECK(cache.mode("cache/ftpc/digests") == 0600);
  const auto folder = std::filesystem::path(cache.path()).parent_path();
  CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);
}

TEST_CASE("what is known already in a run is found in it, before anything is written") {
  const Cache cache{};
  SourceDigests digests = cache.run();
  CHECK_FALSE(digests.find(kVersion, kMd5));
  digests.remember(kVersion, kDigest);
  CHECK(digests.find(kVersion, kMd5) == kDigest);
  CHECK_FALSE(std::filesystem::exists(cache.path()));
}

TEST_CASE("only large files, slow digests, and files that were left alone for two seconds are remembered") {
  const Cache cache{};
  const SourceDigests digests = cache.run();
  CHECK(digests.mayRemember(kVersion, kMd5));
  CHECK(digests.mayRemember(kVersion, DigestAlgorithm::Sha256));
  CHECK_FALSE(digests.mayRemember(kVersion, DigestAlgorithm::Xxh128));
  FileVersion version = kVersion;
  version.size = SourceDigests::kWorthIt;
  CHECK(digests.mayRemember(version, kMd5));
  --version.size;
  CHECK_FALSE(digests.mayRemember(version, kMd5));
  for (const auto field : {&FileVersion::mtimeNs, &FileVersion::ctimeNs}) {
    FileVersion young = kVersion;
    young.*field = kNow - 2 * kSecond;
    CHECK(digests.mayRemember(young, kMd5));
    for (const std::int64_t moment : {kNow - 2 * kSecond + 1, kNow, kNow + 3'600 * kSecond}) {
      young.*field = moment;
      CHECK_FALSE(digests.mayRemember(young, kMd5));
    }
  }
}

TEST_CASE("a new version takes the place of the old one") {
  const Cache cache{};
  cache.remember(kVersion, kDigest);
  FileVersion next = kVersion;
  ++next.ctimeNs;
  cache.remember(next, digestNumber(2));
  CHECK(cache.find(next) == digestNumber(2));
  CHECK(cache.lines() == 1);
}

TEST_CASE("what was wrong is forgotten, unless somebody knows better by now") {
  const Cache cache{};
  cache.remember(kVersion, kDigest);
  cache.remember(fileNumber(77), kDigest);
  {
    SourceDigests digests = cache.run();
    REQUIRE(digests.find(kVersion, kMd5) == kDigest);
    digests.forget(kVersion, kDigest);
    CHECK_FALSE(digests.find(kVersion, kMd5));
  }
  CHECK_FALSE(cache.find(kVersion));
  CHECK(cache.find(fileNumber(77)) == kDigest);
  cache.remember(kVersion, kDigest);
  {
    SourceDigests digests = cache.run();
    REQUIRE(digests.find(kVersion, kMd5) == kDigest);
    digests.forget(kVersion, kDigest);
    cache.remember(kVersion, digestNumber(2));
  }
  CHECK(cache.find(kVersion) == digestNumber(2));
}

TEST_CASE("the newest thousand are kept") {
  const Cache cache{};
  {
    SourceDigests digests = cache.run();
    for (std::uint64_t i = 0; i < SourceDigests::kMost; ++i) digests.remember(fileNumber(i), digestNumber(i));
  }
  CHECK(cache.lines() == SourceDigests::kMost);
  cache.remember(fileNumber(5'000), digestNumber(5'000));
  CHECK(cache.lines() == SourceDigests::kMost);
  CHECK_FALSE(cache.find(fileNumber(0)));
  CHECK(cache.find(fileNumber(1)) == digestNumber(1));
  CHECK(cache.find(fileNumber(5'000)) == digestNumber(5'000));
  {
    SourceDigests digests = cache.run();
    for (std::uint64_t i = 0; i < 2 * SourceDigests::kMost; ++i) digests.remember(fileNumber(i), digestNumber(i));
  }
  CHECK(cache.lines() == SourceDigests::kMost);
  CHECK_FALSE(cache.find(fileNumber(5'000)));
}

TEST_CASE("broken lines are passed over, and are gone when the file is written the next time") {
  const Cache cache{};
  const std::string good = writeKnownDigest({kVersion, kDigest});
  std::string changed = writeKnownDigest({fileNumber(2), kDigest});
  changed[0] = '9';
  const std::string text = "hello\n\n" + changed + good + std::string(3'000, 'x') + "\n" + std::string("\0\xff\n", 3) +
                           writeKnownDigest({fileNumber(3), kDigest}).substr(0, 40);
  cache.write(text);
  CHECK(cache.find(kVersion) == kDigest);
  CHECK_FALSE(cache.find(fileNumber(2)));
  CHECK_FALSE(cache.find(fileNumber(3)));
  CHECK(cache.text() == text);
  cache.remember(fileNumber(4), kDigest);
  CHECK(cache.text() == good + writeKnownDigest({fileNumber(4), kDigest}));
}

TEST_CASE("a file that is longer than it can be is not read, and replaced") {
  const Cache cache{};
  const std::string good = writeKnownDigest({kVersion, kDigest});
  std::string text = good;
  while (text.size() < SourceDigests::kMost * kLongestKnownDigest) text += '\n';
  cache.write(text);
  CHECK(cache.find(kVersion) == kDigest);
  cache.write(text + "\n");
  CHECK_FALSE(cache.find(kVersion));
  cache.remember(fileNumber(4), kDigest);
  CHECK(cache.text() == writeKnownDigest({fileNumber(4), kDigest}));
}

TEST_CASE("what is in the place of the file is not followed and not waited for") {
  const Cache cache{};
  const TestFolder elsewhere;
  const std::string good = writeKnownDigest({kVersion, kDigest});
  elsewhere.write("file", good);
  cache.write("");
  std::filesystem::remove(cache.path());
  SUBCASE("a link") { std::filesystem::create_symlink(elsewhere.path("file"), cache.path()); }
  SUBCASE("a pipe") { REQUIRE(::mkfifo(cache.path().c_str(), 0600) == 0); }
  CHECK_FALSE(cache.find(kVersion));
  cache.remember(fileNumber(4), kDigest);
  CHECK(cache.find(fileNumber(4)) == kDigest);
  CHECK(elsewhere.read("file") == good);
}

TEST_CASE("where nothing can be written or read, nothing is known, and nobody hears of it") {
  const TestFolder folder;
  folder.write("file", "x");
  std::filesystem::create_directories(folder.path("taken/ftpc/digests/folder"));
  for (const std::string& path : {std::string(), folder.path("file/ftpc/digests"), folder.path("taken/ftpc/digests"),
                                  folder.path("no/home/.cache/ftpc/digests"), std::string("/proc/ftpc/digests")}) {
    SourceDigests digests(path);
    CHECK_FALSE(digests.find(kVersion, kMd5));
    digests.remember(kVersion, kDigest);
  }
  CHECK_FALSE(SourceDigests("").mayRemember(kVersion, kMd5));
  CHECK(folder.count() == 2);
}

TEST_CASE("a lock that somebody holds for ever keeps nobody, and what is new is lost") {
  const Cache cache{};
  cache.write("");
  const std::string folder = std::filesystem::path(cache.path()).parent_path();
  const UniqueFd held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(::flock(held.get(), LOCK_EX) == 0);
  cache.remember(kVersion, kDigest);
  CHECK(cache.text().empty());
}

TEST_CASE("two runs that end one after the other lose nothing of each other") {
  const Cache cache{};
  {
    SourceDigests first = cache.run();
    SourceDigests second = cache.run();
    CHECK_FALSE(first.find(kVersion, kMd5));
    CHECK_FALSE(second.find(kVersion, kMd5));
    first.remember(fileNumber(1), digestNumber(1));
    second.remember(fileNumber(2), digestNumber(2));
  }
  CHECK(cache.find(fileNumber(1)) == digestNumber(1));
  CHECK(cache.find(fileNumber(2)) == digestNumber(2));
}

TEST_CASE("runs that end at the same moment leave a whole file") {
  const Cache cache{};
  std::vector<std::jthread> runs;
  for (std::uint64_t i = 0; i < 8; ++i) {
    runs.emplace_back([&cache, i] { cache.remember(fileNumber(i), digestNumber(i)); });
  }
  runs.clear();
  std::size_t known = 0;
  for (std::uint64_t i = 0; i < 8; ++i) known += cache.find(fileNumber(i)) == digestNumber(i) ? 1U : 0U;
  CHECK(known >= 1);
  CHECK(known == cache.lines());
}

TEST_CASE("one object serves many threads") {
  const Cache cache{};
  {
    SourceDigests digests = cache.run();
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 0; i < 4; ++i) {
      threads.emplace_back([&digests, i] {
        for (std::uint64_t n = 0; n < 50; ++n) {
          digests.find(fileNumber(n), kMd5);
          digests.remember(fileNumber(100 * i + n), digestNumber(n));
        }
      });
    }
  }
  CHECK(cache.lines() == 200);
}

TEST_CASE("what is recalled is not remembered again, and can be forgotten once") {
  const Cache cache{};
  cache.remember(kVersion, kDigest);
  SourceDigests digests = cache.run();
  RecalledDigest recalled(&digests, kVersion, kMd5);
  CHECK(recalled.value() == kDigest);
  CHECK(recalled.forget());
  CHECK_FALSE(recalled.forget());
  CHECK_FALSE(recalled.value());
  RecalledDigest again(&digests, kVersion, kMd5);
  CHECK_FALSE(again.value());
  again.confirm(digestNumber(2));
  CHECK(RecalledDigest(&digests, kVersion, kMd5).value() == digestNumber(2));
  CHECK_FALSE(RecalledDigest(nullptr, kVersion, kMd5).value());
}
