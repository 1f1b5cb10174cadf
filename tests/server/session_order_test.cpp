// Sessions: what goes round the output must not overtake it.

#include <doctest/doctest.h>

#include "tests/support/narrow_transport.h"
#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using namespace ft::testing;

TEST_CASE("a chunk's prefix and its bytes keep their order when the line is full between them") {
  MemoryStorage storage;
  const std::string body = pattern(300'000);
  storage.store("a", body);
  SessionPeer peer(storage, {.wrap = [](auto inner) {
                     // Full for a moment in two of three writes.
                     return std::make_unique<NarrowTransport>(std::move(inner),
                                                              [](int write) { return write % 3 == 0; });
                   }});
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"a","body":"chunks","digest":"xxh128"})");
  REQUIRE(peer.reply().ok == true);
  CHECK(peer.take(8) == chunk(body).substr(0, 8));
  CHECK(peer.take(body.size()) == body);
  CHECK(peer.take(8) == hole(0));
  CHECK(peer.reply().findDigest(DigestAlgorithm::Xxh128)->hex == xxhOf(body));
  CHECK(peer.nothingMore());
}
