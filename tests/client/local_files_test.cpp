// The files of the client's own side: the source of a put, the target of a get, the walk through a folder.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <set>
#include <thread>

#include "client/local/file_digest.h"
#include "client/local/part_file.h"
#include "client/local/source_file.h"
#include "client/local/target_folder.h"
#include "common/escape.h"
#include "common/protocol.h"
#include "tests/client/scripted_server.h"
#include "tests/client/transfer_fixture.h"

using namespace ft;

namespace {

std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text)); }

ErrorCode codeOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return failure.code();
  }
  return ErrorCode::Internal;
}

}  // namespace

TEST_CASE("a part's name is hidden, bounded, and another one for another name") {
  CHECK(partName("a.txt") == ".a.txt.ftpc-part");
  const std::string longName(255, 'x');
  CHECK(partName(longName).size() <= kMaxNamePartSize);
  CHECK(partName(longName) != partName(std::string(254, 'x') + "y"));
  std::string cats;
  for (int i = 0; i < 85; ++i) cats += "\xe7\x8c\xab";
  CHECK(partName(cats).size() <= kMaxNamePartSize);
  CHECK(isUtf8(partName(cats)));
}

TEST_CASE("a part gets its name only when it is published, and leaves nothing otherwise") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path());
  {
    PartFile part = PartFile::create(target.root(), "a.txt");
    part.write(bytesOf("hello"));
    CHECK_FALSE(folder.has("a.txt"));
    SUBCASE("published") {
      part.finish(0640, 1'700'000'000'123'456'789);
      part.publish(true);
      CHECK(folder.read("a.txt") == "hello");
      struct stat status {};
      REQUIRE(::stat(folder.path("a.txt").c_str(), &status) == 0);
      CHECK((status.st_mode & 07777) == 0640);
      CHECK(mtimeNsOf(status) == 1'700'000'000'123'456'789);
    }
    SUBCASE("given up") {}
    SUBCASE("too short to be kept") { part.keepForResume(); }
  }
  CHECK(folder.count() == (folder.has("a.txt") ? 1 : 0));
}

TEST_CASE("a part without a name is seen when it is published and not before, and leaves nothing otherwise") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path());
  REQUIRE(PartFile::canBeUnnamed(*target.root()));
  CHECK(folder.count() == 0);
  PartFile part = PartFile::createUnnamed(target.root(), "a.txt", 0640);
  part.write(bytesOf("hello"));
  part.finish(0640, 1'700'000'000'123'456'789);
  CHECK(folder.count() == 0);
  SUBCASE("given up") {}
  SUBCASE("published") {
    part.publish(false);
    struct stat status {};
    REQUIRE(::stat(folder.path("a.txt").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
    CHECK(mtimeNsOf(status) == 1'700'000'000'123'456'789);
  }
  SUBCASE("in place of a file that came meanwhile") {
    folder.write("a.txt", "another");
    part.publish(true);
  }
  if (folder.has("a.txt")) CHECK(folder.read("a.txt") == "hello");
  const PartFile ended = std::move(part);
  CHECK(folder.count() == (folder.has("a.txt") ? 1 : 0));
}

TEST_CASE("a part without a name replaces nothing that it must not") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path());
  SUBCASE("a file, and it was told not to") {
    folder.write("a", "old");
    PartFile part = PartFile::createUnnamed(target.root(), "a", std::nullopt);
    CHECK(codeOf([&] { part.publish(false); }) == ErrorCode::Exists);
    CHECK(folder.read("a") == "old");
  }
  SUBCASE("a folder") {
    std::filesystem::create_directory(folder.path("a"));
    PartFile part = PartFile::createUnnamed(target.root(), "a", std::nullopt);
    CHECK(codeOf([&] { part.publish(true); }) == ErrorCode::IsDirectory);
  }
  CHECK(folder.count() == 1);
}

TEST_CASE(
    "a file without a mode gets that of a new file, and no other thread's file is made with another umask meanwhile") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path());
  const mode_t before = ::umask(027);
  std::atomic<bool> stop = false;
  std::set<mode_t> seen;
  std::thread other([&] {
    const std::string path = folder.path("other");
    while (!stop) {
      const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      struct stat status {};
      if (::fstat(fd.get(), &status) == 0) seen.insert(status.st_mode & 07777);
      ::unlink(path.c_str());
    }
  });
  for (int i = 0; i < 500; ++i) {
    PartFile part = PartFile::create(target.root(), "a");
    part.finish(std::nullopt, std::nullopt);
    struct stat status {};
    REQUIRE(::fstat(part.fd(), &status) == 0);
    REQUIRE((status.st_mode & 07777) == 0640);
  }
  stop = true;
  other.join();
  ::umask(before);
  CHECK(seen == std::set<mode_t>{0640});
}

TEST_CASE("bits beyond the permissions and times before 1970 are handled") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path());
  PartFile part = PartFile::create(target.root(), "a");
  part.finish(07777, -1);
  part.publish(true);
  struct stat status {};
  REQUIRE(::stat(folder.path("a").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0777);
  CHECK(mtimeNsOf(status) == -1);
}

TEST_CASE("a part that is worth it stays and is found again") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path());
  const std::string content = noise(PartFile::kWorthKeeping + 5);
  {
    PartFile part = PartFile::create(target.root(), "a");
    part.write(bytesOf(content));
    part.keepForResume();
  }
  auto left = PartFile::openLeft(target.root(), "a");
  REQUIRE(left);
  CHECK(left->size() == content.size());
  left->publish(true);
  CHECK(folder.read("a") == content);
}

TEST_CASE("a part that another process writes is left alone, and a second get takes another name") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path());
  PartFile first = PartFile::create(target.root(), "a");
  first.write(bytesOf("first"));
  CHECK_FALSE(PartFile::openLeft(target.root(), "a"));
  PartFile second = PartFile::create(target.root(), "a");
  second.write(bytesOf("second"));
  second.publish(true);
  CHECK(folder.read("a") == "second");
  first.publish(true);
  CHECK(folder.read("a") == "first");
}

TEST_CASE("a link, a second name or a pipe in the place of a part is neither followed nor written") {
  const TestFolder folder;
  folder.write("precious", "precious");
  TargetFolder target = TargetFolder::open(folder.path());
  const std::string part = folder.path(partName("a"));
  SUBCASE("symbolic link") { std::filesystem::create_symlink(folder.path("precious"), part); }
  SUBCASE("dangling link") { std::filesystem::create_symlink(folder.path("nothing"), part); }
  SUBCASE("hard link") { std::filesystem::create_hard_link(folder.path("precious"), part); }
  SUBCASE("pipe") { REQUIRE(::mkfifo(part.c_str(), 0600) == 0); }
  CHECK_FALSE(PartFile::openLeft(target.root(), "a"));
  PartFile fresh = PartFile::create(target.root(), "a");
  fresh.write(bytesOf("new"));
  fresh.publish(true);
  CHECK(folder.read("a") == "new");
  CHECK(folder.read("precious") == "precious");
  CHECK_FALSE(folder.has("nothing"));
}

TEST_CASE("without replacing, a name that came meanwhile is kept") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path());
  {
    PartFile part = PartFile::create(target.root(), "a");
    folder.write("a", "theirs");
    CHECK(codeOf([&] { part.publish(false); }) == ErrorCode::Exists);
  }
  CHECK(folder.read("a") == "theirs");
  CHECK(folder.count() == 1);
}

TEST_CASE("a link inside the target folder leads nowhere") {
  const TestFolder outside;
  const TestFolder folder;
  std::filesystem::create_directory_symlink(outside.path(), folder.path("link"));
  TargetFolder target = TargetFolder::open(folder.path());
  CHECK_THROWS_AS(target.folder(FileName::parse("link")), Failure);
  CHECK_THROWS_AS(target.folder(FileName::parse("link/deeper")), Failure);
  CHECK_THROWS_AS(target.existing(FileName::parse("link")), Failure);
  CHECK(outside.count() == 0);
}

TEST_CASE("folders are made as they are needed, below what stands for the remote folder") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path("new/er"), FileName::parse("r/s"));
  CHECK(target.existing(FileName::parse("r/s/x/y")) == nullptr);
  CHECK_FALSE(folder.has("new/er/x"));
  target.folder(FileName::parse("r/s/x/y"));
  CHECK(folder.has("new/er/x/y"));
  CHECK_FALSE(target.takeTouched().empty());
  CHECK(target.takeTouched().empty());
}

TEST_CASE("however many folders are made, few of them are open") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path());
  const auto open = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  const auto before = open();
  for (int i = 0; i < 2000; ++i)
    target.folder(FileName::parse("g/sub" + std::to_string(i / 500) + "/" + std::to_string(i)));
  CHECK(open() - before < 200);
  CHECK(target.touched() < 40);
  for (int i = 0; i < 2000; ++i) CHECK(folder.has("g/sub" + std::to_string(i / 500) + "/" + std::to_string(i)));
}

TEST_CASE("a source is a regular file, and links are followed only for the user's own argument") {
  const TestFolder folder;
  folder.write("a", "hello");
  std::filesystem::create_symlink(folder.path("a"), folder.path("link"));
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  CHECK(SourceFile::open(folder.path("link"), SourceFile::Links::Follow).size() == 5);
  CHECK(codeOf([&] { SourceFile::open(folder.path("link"), SourceFile::Links::Refuse); }) == ErrorCode::Forbidden);
  CHECK(codeOf([&] { SourceFile::open(folder.path("none"), SourceFile::Links::Follow); }) == ErrorCode::NotFound);
  CHECK(codeOf([&] { SourceFile::open(folder.path(), SourceFile::Links::Follow); }) == ErrorCode::IsDirectory);
  CHECK(codeOf([&] { SourceFile::open(folder.path("pipe"), SourceFile::Links::Follow); }) == ErrorCode::IoError);
}

TEST_CASE("a source that is written, cut, grown or removed has changed") {
  const TestFolder folder;
  folder.write("a", "hello");
  const SourceFile source = SourceFile::open(folder.path("a"), SourceFile::Links::Follow);
  std::vector<char> content;
  source.readAll(content);
  CHECK(std::string(content.begin(), content.end()) == "hello");
  CHECK_FALSE(source.changed());
  SUBCASE("cut") { std::filesystem::resize_file(folder.path("a"), 2); }
  SUBCASE("grown") { std::filesystem::resize_file(folder.path("a"), 20); }
  SUBCASE("removed") { std::filesystem::remove(folder.path("a")); }
  CHECK(source.changed());
  CHECK(codeOf([&] { source.requireUnchanged(); }) == ErrorCode::Changed);
}

TEST_CASE("the digest that follows a transfer is that of the bytes and the holes in order") {
  const TestFolder folder;
  const std::string content = noise(3'000'000);
  folder.write("a", content);
  const UniqueFd fd(::open(folder.path("a").c_str(), O_RDONLY));
  for (const DigestAlgorithm algorithm : kDigestAlgorithms) {
    FollowingDigest following(fd.get(), Digest(algorithm));
    following.data(0, 1'000'000);
    following.data(1'000'000, 1'000'001);
    following.hole(5000);
    following.data(1'000'001, content.size());
    const std::string all = content.substr(0, 1'000'001) + std::string(5000, '\0') + content.substr(1'000'001);
    CHECK(following.finish() == digestOfText(algorithm, all));
  }
  FollowingDigest early(fd.get(), Digest(DigestAlgorithm::Xxh128));
  early.data(0, content.size() + 1);
  CHECK(codeOf([&] { early.finish(); }) == ErrorCode::Changed);
  Digest whole(DigestAlgorithm::Md5);
  hashFile({fd.get(), 0, content.size()}, whole, StopRequest());
  CHECK(whole.value() == digestOfText(DigestAlgorithm::Md5, content));
}

TEST_CASE("the digest of a file with holes is that of its bytes") {
  const TestFolder folder;
  const UniqueFd fd(::open(folder.path("a").c_str(), O_RDWR | O_CREAT, 0600));
  REQUIRE(::ftruncate(fd.get(), 10'000'000) == 0);
  REQUIRE(::pwrite(fd.get(), "data", 4, 5'000'000) == 4);
  std::string content(10'000'000, '\0');
  content.replace(5'000'000, 4, "data");
  Digest digest(DigestAlgorithm::Xxh128);
  hashFile({fd.get(), 0, content.size()}, digest, StopRequest());
  CHECK(digest.value() == digestOfText(DigestAlgorithm::Xxh128, content));
  Digest tooFar(DigestAlgorithm::Xxh128);
  CHECK(codeOf([&] { hashFile({fd.get(), 0, content.size() + 1}, tooFar, StopRequest()); }) == ErrorCode::Changed);
}
