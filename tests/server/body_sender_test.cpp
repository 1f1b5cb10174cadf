// Bodies that cannot be read on: whose fault that is, and who is told.

#include "server/session/body_sender.h"

#include <doctest/doctest.h>

#include "common/protocol.h"
#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using namespace ft::testing;

namespace {

constexpr std::size_t kGood = 128 * 1024;
constexpr std::size_t kSize = 512 * 1024;

// A file whose disk breaks behind the first bytes.
class BrokenDownload final : public Download {
 public:
  explicit BrokenDownload(std::unique_ptr<Download> inner) : inner_(std::move(inner)) {}
  const FileInfo& info() const override { return inner_->info(); }
  int fd() const override { return -1; }
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) override {
    if (offset >= kGood) throw Failure(ErrorCode::IoError, "cannot read the file: Input/output error");
    return inner_->read(offset, into);
  }
  Extent nextData(std::uint64_t offset) override { return inner_->nextData(offset); }
  std::optional<DigestValue> knownDigest(DigestAlgorithm algorithm) override {
    return DigestValue{algorithm, std::string(digestHexSize(algorithm), '0')};
  }
  void rememberDigest(const DigestValue& digest) override { inner_->rememberDigest(digest); }
  std::string version() const override { return inner_->version(); }
  bool changed() override { return inner_->changed(); }

 private:
  std::unique_ptr<Download> inner_;
};

class BrokenStorage : public MemoryStorage {
 public:
  std::unique_ptr<Download> open(const FileName& name) override {
    return std::make_unique<BrokenDownload>(MemoryStorage::open(name));
  }
};

}  // namespace

TEST_CASE("a raw body that the disk cannot give on ends the connection, and the log says that it was the disk") {
  BrokenStorage storage;
  storage.store("a", pattern(kSize));
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"a"})");
  REQUIRE(peer.reply().ok == true);
  CHECK(peer.closed());
  CHECK(peer.take(kGood) == pattern(kSize).substr(0, kGood));
  CHECK(peer.nothingMore());
  CHECK(peer.logged().find("outcome=io_error") != std::string::npos);
  CHECK(peer.logged().find("filename=a") != std::string::npos);
  CHECK(peer.logged().find("cannot read the file: Input/output error") != std::string::npos);
}

TEST_CASE("a chunked body that the disk cannot give on is filled up, and its trailer tells") {
  BrokenStorage storage;
  storage.store("a", pattern(kSize));
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"a","body":"chunks"})");
  REQUIRE(peer.reply().ok == true);
  CHECK(peer.take(8) == chunk(pattern(kSize)).substr(0, 8));
  CHECK(peer.take(kGood) == pattern(kSize).substr(0, kGood));
  CHECK(peer.take(kSize - kGood) == std::string(kSize - kGood, '\0'));
  CHECK(peer.take(8) == hole(0));
  CHECK(peer.reply().error == "io_error");
  CHECK_FALSE(peer.closed());
}

namespace {

// A file that is one hole behind its first byte.
class SparseDownload final : public Download {
 public:
  explicit SparseDownload(std::uint64_t size) { info_ = {FileType::File, size, 0, 0644}; }
  const FileInfo& info() const override { return info_; }
  int fd() const override { return -1; }
  std::size_t read(std::uint64_t, std::span<std::byte> into) override {
    std::fill(into.begin(), into.end(), std::byte{'x'});
    return into.size();
  }
  Extent nextData(std::uint64_t offset) override { return offset == 0 ? Extent{0, 1} : Extent{info_.size, info_.size}; }
  std::optional<DigestValue> knownDigest(DigestAlgorithm) override { return std::nullopt; }
  void rememberDigest(const DigestValue&) override {}
  std::string version() const override { return "sparse"; }
  bool changed() override { return false; }

 private:
  FileInfo info_;
};

class SparseStorage final : public MemoryStorage {
 public:
  explicit SparseStorage(std::uint64_t size) : size_(size) {}
  std::unique_ptr<Download> open(const FileName&) override { return std::make_unique<SparseDownload>(size_); }

 private:
  std::uint64_t size_;
};

}  // namespace

TEST_CASE("a hole that has to be digested is told in short pieces, so that the peer sees it coming") {
  constexpr std::int64_t kLargest = 2 << 20;
  constexpr std::uint64_t kHole = 20 << 20;
  SparseStorage storage(kHole + 1);
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"a","body":"chunks","digest":"xxh128"})");
  CHECK(peer.reply().filesize == kHole + 1);
  CHECK(peer.take(9) == chunk("x"));
  std::uint64_t told = 0;
  for (;;) {
    const std::string prefix = peer.take(kChunkPrefixSize);
    const std::int64_t n = decodeChunk(std::as_bytes(std::span(prefix)).first<kChunkPrefixSize>());
    if (n == 0) break;
    CHECK(n < 0);
    CHECK(n >= -kLargest);
    told += static_cast<std::uint64_t>(-n);
  }
  CHECK(told == kHole);
  CHECK(peer.reply().findDigest(DigestAlgorithm::Xxh128)->hex == xxhOf("x" + std::string(kHole, '\0')));
}
