// Sessions: bodies in chunks that go on with something that is no part of a body.

#include <doctest/doctest.h>

#include <limits>
#include <utility>
#include <vector>

#include "common/protocol.h"
#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using namespace ft::testing;

namespace {

const std::string kPut = R"({"v":1,"cmd":"put","id":[7],"filename":"a","body":"chunks"})";
const std::string kPing = frame(R"({"v":1,"cmd":"ping","id":8})");

std::string prefix(std::int64_t n) {
  const auto bytes = encodeChunk(n);
  return {bytes.data(), bytes.size()};
}

// What may stand where the next chunk, or the trailer, is expected.
std::vector<std::string> brokenBodies() {
  std::vector<std::string> bodies;
  for (const std::int64_t n : {kMaxChunkSize + 1, std::numeric_limits<std::int64_t>::max(), -kMaxHoleSize - 1,
                               std::numeric_limits<std::int64_t>::min()}) {
    bodies.push_back(chunk("part") + prefix(n));
  }
  for (const std::string json : {R"({"v":1,"cmd":"ping","id":9})", R"({"v":1,"cmd":"trailer","ok":"yes"})",
                                 R"({"v":2,"cmd":"trailer","ok":true})", R"({"cmd":"trailer","ok":true})",
                                 R"({"v":1,"cmd":"trailer","ok":true,"ok":true})", "[]", "not JSON"}) {
    bodies.push_back(chunk("part") + hole(0) + frame(json));
  }
  bodies.push_back(chunk("part") + hole(0) + std::string("\0\0\0\0", 4));
  bodies.push_back(chunk("part") + hole(0) + "GET /");
  return bodies;
}

}  // namespace

TEST_CASE("a body that goes on with no part of one is answered bad_request as its put, and ends the connection") {
  for (const std::string& body : brokenBodies()) {
    CAPTURE(body);
    MemoryStorage storage;
    SessionPeer peer(storage);
    peer.send(frame(kPut) + body + kPing);
    const Header reply = peer.reply();
    CHECK(reply.error == "bad_request");
    CHECK(reply.cmd == "put");
    CHECK(reply.id == "[7]");
    CHECK(peer.nothingMore());
    CHECK(peer.ended());
    CHECK_FALSE(storage.content("a"));
    CHECK(peer.logged().find("command=put filename=a outcome=bad_request") != std::string::npos);
    CHECK(peer.logged().find("outcome=cut") == std::string::npos);
  }
}

TEST_CASE("what was put whole before a body that breaks off is stored and answered first") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.send(frame(putJson("before", 5)) + "hello" + frame(kPut) + prefix(kMaxChunkSize + 1));
  CHECK(peer.reply().filename == "before");
  CHECK(peer.reply().id == "[7]");
  CHECK(storage.content("before") == "hello");
}

TEST_CASE("a refused put whose body goes on with no part of one has one reply, and the connection ends") {
  for (const std::string& body : brokenBodies()) {
    CAPTURE(body);
    MemoryStorage storage;
    SessionPeer peer(storage);
    peer.send(frame(R"({"v":1,"cmd":"put","id":[7],"filename":"../a","body":"chunks"})") + body + kPing);
    const Header reply = peer.reply();
    CHECK(reply.error == "name_invalid");
    CHECK(reply.id == "[7]");
    CHECK(peer.nothingMore());
    CHECK(peer.ended());
  }
}

TEST_CASE("a segment whose body goes on with no part of one is answered bad_request, and its place is free again") {
  const std::string identity = R"("filename":"big","filesize":4,"mtime_ns":1,"digest":"xxh128")";
  for (const std::string& body : brokenBodies()) {
    CAPTURE(body);
    MemoryStorage storage;
    SessionPeer peer(storage);
    peer.sendFrame(R"({"v":1,"cmd":"offer","segments":true,)" + identity + "}");
    const std::string upload = peer.reply().upload.value();
    const std::string segment =
        R"({"v":1,"cmd":"segment","id":[7],"upload":")" + upload + R"(","offset":0,"filesize":4)";
    SessionPeer broken(storage, {.shared = peer.shared()});
    broken.sendFrame(segment + R"(,"body":"chunks"})", body);
    const Header reply = broken.reply();
    CHECK(reply.error == "bad_request");
    CHECK(reply.cmd == "segment");
    CHECK(reply.id == "[7]");
    CHECK(broken.nothingMore());
    CHECK(broken.ended());
    SessionPeer again(storage, {.shared = peer.shared()});
    again.sendFrame(segment + "}", "part");
    CHECK(again.reply().ok == true);
  }
}
