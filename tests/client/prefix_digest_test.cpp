// The digest of a file's beginning that is taken ahead, and bytes that go from a socket into a file round memory.
#include "client/local/prefix_digest.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <new>
#include <thread>

#include "client/local/part_file.h"
#include "client/local/splice_mover.h"
#include "common/error.h"
#include "tests/client/transfer_fixture.h"
#include "tests/support/scarce_memory.h"

namespace ft {
namespace {

constexpr std::size_t kBlock = 512 * 1024;

DigestValue digestOfFirst(const std::string& text, std::size_t size) {
  return digestOf(DigestAlgorithm::Xxh128, std::as_bytes(std::span(text)).first(size));
}

std::optional<Digest> prefixOf(const SourceFile& source, std::uint64_t size) {
  const StopRequest stop;
  PrefixDigest ahead(source, stop);
  return ahead.finish(size, [] {});
}

TEST_CASE("the digest that is taken ahead is that of the bytes that turn out to be wanted") {
  const TestFolder folder;
  const std::string content = noise(9 * kBlock + 17);
  folder.write("a", content);
  const SourceFile source = SourceFile::open(folder.path("a"), SourceFile::Links::Follow);
  for (const std::size_t size :
       {std::size_t{1}, kBlock - 1, kBlock, kBlock + 1, 7 * kBlock, content.size() - 1, content.size()}) {
    CAPTURE(size);
    const auto digest = prefixOf(source, size);
    // What was hashed too far cannot be taken back, which is said.
    if (digest) CHECK(digest->value() == digestOfFirst(content, size));
    if (size == content.size()) CHECK(digest.has_value());
  }
}

TEST_CASE("a digest that goes on from the prefix is that of the whole") {
  const TestFolder folder;
  const std::string content = noise(3 * kBlock);
  folder.write("a", content);
  const SourceFile source = SourceFile::open(folder.path("a"), SourceFile::Links::Follow);
  std::optional<Digest> digest;
  while (!digest) digest = prefixOf(source, 2 * kBlock + 5);
  digest->update(std::as_bytes(std::span(content)).subspan(2 * kBlock + 5));
  CHECK(digest->value() == digestOfFirst(content, content.size()));
}

TEST_CASE("a file that was cut short is noticed, and one that nobody asks for any more is let go") {
  const TestFolder folder;
  folder.write("a", noise(4 * kBlock));
  const SourceFile source = SourceFile::open(folder.path("a"), SourceFile::Links::Follow);
  const StopRequest stop;
  { const PrefixDigest unwanted(source, stop); }
  std::filesystem::resize_file(folder.path("a"), kBlock);
  CHECK_THROWS_AS(prefixOf(source, 4 * kBlock), Failure);
}

TEST_CASE("memory that runs out on a thread that reads ahead is told to whoever waits for the digest") {
  const TestFolder folder;
  folder.write("a", noise(4 * kBlock));
  const SourceFile source = SourceFile::open(folder.path("a"), SourceFile::Links::Follow);
  const testing::ScarceMemory scarce(kBlock);
  CHECK_THROWS_AS(prefixOf(source, 4 * kBlock), std::bad_alloc);
}

TEST_CASE("short files, files with holes and slow digests are not taken ahead") {
  const TestFolder folder;
  folder.write("short", "short");
  folder.write("holes", "x");
  std::filesystem::resize_file(folder.path("holes"), PrefixDigest::kWorthIt);
  const auto suits = [&](const char* name, DigestAlgorithm algorithm) {
    return PrefixDigest::suits(SourceFile::open(folder.path(name), SourceFile::Links::Follow), algorithm);
  };
  CHECK_FALSE(suits("short", DigestAlgorithm::Xxh128));
  CHECK_FALSE(suits("holes", DigestAlgorithm::Xxh128));
  CHECK_FALSE(suits("holes", DigestAlgorithm::Md5));
}

struct Line {
  Line() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    near.reset(ends[0]);
    far.reset(ends[1]);
  }
  void send(std::string_view text) const {
    REQUIRE(::write(far.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  UniqueFd near, far;
};

TEST_CASE("what is spliced into a part lies behind what was there, and no byte more than was asked for is taken") {
  const TestFolder folder;
  const TargetFolder target = TargetFolder::open(folder.path());
  const Line line;
  SpliceMover mover;
  PartFile part = PartFile::create(target.root(), "a");
  part.write(std::as_bytes(std::span(std::string_view("begin "))));
  CHECK(part.take(mover, line.near.get(), 100) == 0U);
  line.send("middle end and the next header");
  CHECK(part.take(mover, line.near.get(), 6) == 6U);
  CHECK(part.take(mover, line.near.get(), 4) == 4U);
  CHECK(part.size() == 16);
  std::array<char, 64> rest{};
  CHECK(::read(line.near.get(), rest.data(), rest.size()) == 20);
  part.publish(true);
  CHECK(folder.read("a") == "begin middle end");
}

TEST_CASE("a line that ended is told from one that is silent, and a file that cannot be written from both") {
  const TestFolder folder;
  const TargetFolder target = TargetFolder::open(folder.path());
  Line line;
  SpliceMover mover;
  {
    line.send("bytes");
    const UniqueFd readOnly(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY));
    CHECK_THROWS_AS(mover.move(line.near.get(), {readOnly.get(), 0}, 100), Failure);
  }
  SpliceMover fresh;
  PartFile part = PartFile::create(target.root(), "a");
  line.far.reset();
  CHECK_THROWS_AS(part.take(fresh, line.near.get(), 100), TransportError);
}

TEST_CASE("where splice cannot write, as into a file that only grows, the bytes are copied") {
  const TestFolder folder;
  const UniqueFd file(::open(folder.path("a").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
  const Line line;
  SpliceMover mover;
  line.send("some bytes");
  CHECK(mover.move(line.near.get(), {file.get(), 0}, 100) == 10U);
  CHECK(folder.read("a") == "some bytes");
}

}  // namespace
}  // namespace ft
