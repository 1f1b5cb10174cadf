// Bodies that cannot be read on: whose fault that is, and who is told.

#include "server/session/body_sender.h"

#include <doctest/doctest.h>

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
