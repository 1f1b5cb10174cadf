// Sessions: what goes round the output must not overtake it.

#include <doctest/doctest.h>

#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using namespace ft::testing;

namespace {

// A line that is full for a moment in two of three writes, though poll() finds room again at once: as a busy reader
// leaves it.
class HesitantTransport final : public Transport {
 public:
  explicit HesitantTransport(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}

  IoResult read(std::span<std::byte> into) override { return inner_->read(into); }
  IoResult write(std::span<const std::byte> bytes) override {
    if (++writes_ % 3 != 0) return {IoResult::Status::WouldBlockWrite, 0};
    return inner_->write(bytes);
  }
  void shutdownWrite() noexcept override { inner_->shutdownWrite(); }
  int fd() const noexcept override { return inner_->fd(); }
  int rawFd() const noexcept override { return -1; }

 private:
  std::unique_ptr<Transport> inner_;
  int writes_ = 0;
};

}  // namespace

TEST_CASE("a chunk's prefix and its bytes keep their order when the line is full between them") {
  MemoryStorage storage;
  const std::string body = pattern(300'000);
  storage.store("a", body);
  SessionPeer peer(storage, {}, [](auto inner) { return std::make_unique<HesitantTransport>(std::move(inner)); });
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"a","body":"chunks","digest":"xxh128"})");
  REQUIRE(peer.reply().ok == true);
  CHECK(peer.take(8) == chunk(body).substr(0, 8));
  CHECK(peer.take(body.size()) == body);
  CHECK(peer.take(8) == hole(0));
  CHECK(peer.reply().findDigest(DigestAlgorithm::Xxh128)->hex == xxhOf(body));
  CHECK(peer.nothingMore());
}
