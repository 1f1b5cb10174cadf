// What the audit log is told of a session.

#include <doctest/doctest.h>

#include "tests/support/narrow_transport.h"
#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using namespace ft::testing;
using namespace std::chrono_literals;

namespace {

bool tells(const SessionPeer& peer, std::string_view text) { return peer.logged().find(text) != std::string::npos; }

}  // namespace

TEST_CASE("a get that is cut is a line with what had left of it") {
  MemoryStorage storage;
  storage.store("long", pattern(300'000));
  SessionPeer peer(storage, {.limits = {.bodyWindow = 10s}, .wrap = [](auto inner) {
                               return std::make_unique<NarrowTransport>(std::move(inner),
                                                                        [](int write) { return write <= 2; });
                             }});
  peer.crowd();
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"long","body":"chunks","digest":"xxh128"})");
  CHECK(peer.wait() == Session::Wait::Write);
  peer.passTime(11s);  // it was fast enough until here
  peer.passTime(11s);
  CHECK(peer.closed());
  CHECK(tells(peer, "command=get filename=long bytes=65536 "));
  CHECK(tells(peer, "outcome=cut reason=\"the peer was too slow\""));
}

TEST_CASE("a put that is cut is a line with what has come of it, and one that was refused is no second one") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.sendAndClose(frame(putJson("a", 10)) + "half");
  CHECK(tells(peer, "command=put filename=a bytes=4"));
  CHECK(tells(peer, "outcome=cut reason=\"the peer closed the connection inside a body\""));
  SessionPeer other(storage);
  other.sendAndClose(frame(putJson("../a", 10)) + "half");
  CHECK(tells(other, "outcome=name_invalid"));
  CHECK_FALSE(tells(other, "outcome=cut"));
}

TEST_CASE("folders that are made together are named, as far as a line holds them") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"mkdir","filename":"base","parents":true,"names":["one","two"]})");
  CHECK(peer.reply().ok == true);
  CHECK(tells(peer, "filename=\"base: one, two\""));
  std::string names = "\"" + std::string(200, 'n') + "0\"";
  for (int i = 1; i < 20; ++i) names += ",\"" + std::string(200, 'n') + std::to_string(i) + "\"";
  peer.sendFrame(R"({"v":1,"cmd":"mkdir","filename":"base","parents":true,"names":[)" + names + "]}");
  CHECK(peer.reply().ok == true);
  CHECK(tells(peer, "n3 and 16 more"));
}
