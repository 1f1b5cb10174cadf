// Long files that many want to have hashed: in turns, once each, and nobody else waits for it.

#include "server/session/hash_desk.h"

#include <doctest/doctest.h>

#include "server/session/output_buffer.h"
#include "tests/support/narrow_transport.h"
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
  auto place = peer.shared()->hashes.takePlace();
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

namespace {

constexpr const char* kList = R"({"v":1,"cmd":"list","filename":"folder"})";

// A peer that takes nothing any more, and is owed nearly all that is gathered before it must.
struct SilentPeer {
  explicit SilentPeer(MemoryStorage& storage)
      : peer(storage, {.limits = {.idleTimeout = 60s}, .wrap = [this](std::unique_ptr<Transport> line) {
                         return std::make_unique<NarrowTransport>(std::move(line), [this](int) { return takes; });
                       }}) {
    storage.store("long", kLong);
    for (int i = 0; i < 20; ++i) storage.store("folder/" + std::string(100, 'x') + std::to_string(i), "x");
    peer.crowd();
  }
  // Its output is full when the request has begun, by the replies of puts that were gathered.
  void ask(const char* request) {
    peer.sendFrame(kList);
    std::string listed;
    appendFrame(listed, peer.reply());
    takes = false;
    std::string all;
    for (std::size_t i = 0; i < (OutputBuffer::kHighWater - 1) / listed.size(); ++i) all += frame(kList);
    for (int i = 0; i < 40; ++i) all += frame(putJson(std::string(100, 'y') + std::to_string(i), 1)) + "x";
    peer.send(all + frame(request));
  }
  bool takes = true;
  SessionPeer peer;
};

}  // namespace

TEST_CASE("who takes none of its replies keeps nobody from hashing, and stays no longer than an idle one") {
  for (const char* request : {kGet, R"({"v":1,"cmd":"sum","filename":"long"})"}) {
    MemoryStorage storage;
    SilentPeer silent(storage);
    silent.ask(request);
    CHECK(silent.peer.wait() == Session::Wait::Write);
    CHECK(silent.peer.shared()->hashes.takePlace());
    CHECK(silent.peer.shared()->hashes.claim(storage.open(FileName::parse("long"))->version() + "/md5"));
    silent.peer.passTime(59s);
    CHECK_FALSE(silent.peer.closed());
    silent.peer.passTime(2s);
    CHECK(silent.peer.closed());
  }
}

TEST_CASE("who takes its replies after all has its answer, however long the others before it take") {
  MemoryStorage storage;
  SilentPeer silent(storage);
  silent.ask(R"({"v":1,"cmd":"sum","filename":"long"})");
  silent.peer.passTime(59s);
  auto other = silent.peer.shared()->hashes.takePlace();
  silent.takes = true;
  for (int i = 0; i < 100 && silent.peer.wait() == Session::Wait::Write; ++i) silent.peer.run();
  for (int i = 0; i < 3; ++i) {
    CHECK(silent.peer.wait() == Session::Wait::Time);
    silent.peer.passTime(59s);
  }
  other.reset();
  silent.peer.passTime(1s);
  Header last = silent.peer.reply();
  while (!silent.peer.nothingMore()) last = silent.peer.reply();
  REQUIRE(last.findDigest(DigestAlgorithm::Md5) != nullptr);
  CHECK(last.findDigest(DigestAlgorithm::Md5)->hex == md5Of(kLong));
}

TEST_CASE("a digest that another session takes is waited for, and not taken again") {
  MemoryStorage storage;
  storage.store("long", kLong);
  SessionPeer peer(storage);
  auto other = peer.shared()->hashes.claim(storage.open(FileName::parse("long"))->version() + "/md5");
  peer.sendFrame(kGet);
  CHECK(peer.wait() == Session::Wait::Time);
  // It is what the other one says that is told.
  const DigestValue told{DigestAlgorithm::Md5, std::string(32, 'f')};
  storage.open(FileName::parse("long"))->rememberDigest(told);
  other.reset();
  peer.passTime(1s);
  CHECK(peer.reply().findDigest(DigestAlgorithm::Md5)->hex == told.hex);
}
