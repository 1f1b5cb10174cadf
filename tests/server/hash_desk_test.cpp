// Long files that many want to have hashed: in turns, once each, and nobody else waits for it.

#include "server/session/hash_desk.h"

#include <doctest/doctest.h>

#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using namespace ft::testing;
using namespace std::chrono_literals;

TEST_CASE("there are so many places, one that is given back can be taken again, and who asks in vain is noticed") {
  HashDesk desk(2);
  auto first = desk.takePlace();
  const auto second = desk.takePlace();
  CHECK(first);
  CHECK(second);
  CHECK_FALSE(desk.wanted());
  CHECK_FALSE(desk.takePlace());
  CHECK(desk.wanted());
  first.reset();
  CHECK(desk.takePlace());
  CHECK_FALSE(desk.wanted());
}

TEST_CASE("a digest is claimed by one at a time") {
  HashDesk desk(1);
  auto claim = desk.claim("a");
  CHECK(claim);
  CHECK_FALSE(desk.claim("a"));
  CHECK(desk.claim("b"));
  claim.reset();
  CHECK(desk.claim("a"));
}

namespace {

constexpr const char* kGet = R"({"v":1,"cmd":"get","filename":"long"})";
const std::string kLong = pattern(3'000'000);

}  // namespace

TEST_CASE("who waits for a place to hash needs no thread, and goes on when there is one") {
  MemoryStorage storage;
  storage.store("long", kLong);
  SessionPeer peer(storage);
  auto place = peer.shared().hashes.takePlace();
  peer.sendFrame(kGet);
  CHECK(peer.wait() == Session::Wait::Time);
  CHECK(peer.nothingMore());
  peer.passTime(1s);
  CHECK(peer.wait() == Session::Wait::Time);
  place.reset();
  peer.passTime(1s);
  for (int i = 0; i < 100 && peer.wait() == Session::Wait::Write; ++i) peer.run();
  CHECK(peer.reply().findDigest(DigestAlgorithm::Md5)->hex == md5Of(kLong));
  CHECK(peer.take(kLong.size()) == kLong);
}

TEST_CASE("a digest that another session takes is waited for, and not taken again") {
  MemoryStorage storage;
  storage.store("long", kLong);
  SessionPeer peer(storage);
  auto other = peer.shared().hashes.claim(storage.open(FileName::parse("long"))->version() + "/md5");
  peer.sendFrame(kGet);
  CHECK(peer.wait() == Session::Wait::Time);
  // It is what the other one says that is told.
  const DigestValue told{DigestAlgorithm::Md5, std::string(32, 'f')};
  storage.open(FileName::parse("long"))->rememberDigest(told);
  other.reset();
  peer.passTime(1s);
  CHECK(peer.reply().findDigest(DigestAlgorithm::Md5)->hex == told.hex);
}
