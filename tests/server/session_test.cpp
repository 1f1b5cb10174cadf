// Sessions over a socket pair with a storage in memory: requests, bodies, refusals, deadlines, and every way to cut the
// bytes.

#include "server/session/session.h"

#include <doctest/doctest.h>

#include "common/protocol.h"
#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using namespace ft::testing;
using namespace std::chrono_literals;

TEST_CASE("a put is answered with its digest and stored; the connection goes on") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.sendFrame(putJson("d/a.txt", 5, R"(,"id":7)"), "hello");
  const Header reply = peer.reply();
  CHECK(reply.ok == true);
  CHECK(reply.cmd == "put");
  CHECK(reply.id == "7");
  CHECK(reply.filename == "d/a.txt");
  CHECK(reply.filesize == 5);
  CHECK(reply.findDigest(DigestAlgorithm::Md5)->hex == md5Of("hello"));
  CHECK(storage.content("d/a.txt") == "hello");
  peer.sendFrame(R"({"v":1,"cmd":"ping"})");
  CHECK(peer.reply().ok == true);
  CHECK_FALSE(peer.closed());
}

TEST_CASE("asking for what is not there is no event worth a line; failing to fetch or to remove it is") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  for (const std::string cmd : {"stat", "list", "check"}) {
    peer.sendFrame(R"({"v":1,"cmd":")" + cmd + R"(","filename":"nowhere","names":[],"sizes":[],"mtimes_ns":[]})");
    const auto error = peer.reply().error;
    CHECK(error.value_or("not_found") == "not_found");
  }
  CHECK(peer.logged().empty());
  peer.sendFrame(R"({"v":1,"cmd":"stat","filename":"../x"})");
  CHECK(peer.reply().error == "name_invalid");
  CHECK(peer.logged().find("name_invalid") != std::string::npos);
  for (const std::string cmd : {"get", "remove", "sum"}) {
    peer.sendFrame(R"({"v":1,"cmd":")" + cmd + R"(","filename":"nowhere"})");
    CHECK(peer.reply().error == "not_found");
    CHECK(peer.logged().find("command=" + cmd) != std::string::npos);
  }
}

TEST_CASE("a session whose bytes are cut at every offset ends the same as one that gets them whole") {
  const std::string body = pattern(3000);
  const std::string all = frame(putJson("a", body.size(), R"(,"md5":")" + md5Of(body) + "\"")) + body +
                          frame(R"({"v":1,"cmd":"get","filename":"a"})") + frame(R"({"v":1,"cmd":"nope"})");
  for (std::size_t cut = 1; cut < all.size(); cut += cut < 200 || cut > all.size() - 200 ? 1U : 37U) {
    MemoryStorage storage;
    SessionPeer peer(storage);
    peer.send(all.substr(0, cut));
    peer.send(all.substr(cut));
    REQUIRE(peer.reply().ok == true);
    const Header got = peer.reply();
    REQUIRE(got.filesize == body.size());
    REQUIRE(peer.take(body.size()) == body);
    REQUIRE(peer.reply().error == "unsupported");
    REQUIRE(peer.nothingMore());
  }
}

TEST_CASE("requests sent without waiting are answered in their order, puts before what follows them") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  std::string all;
  for (int i = 0; i < 600; ++i) {
    const std::string name = "n" + std::to_string(i);
    all += frame(putJson(name, name.size())) + name;
  }
  all += frame(R"({"v":1,"cmd":"stat","filename":"n599"})");
  peer.send(all);
  for (int i = 0; i < 600; ++i) REQUIRE(peer.reply().filename == "n" + std::to_string(i));
  CHECK(peer.reply().filesize == 4);
}

TEST_CASE("sizes around the chunk arrive whole, raw and in chunks") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kChunkSize - 1, kChunkSize, kChunkSize + 1,
                                 5 * kChunkSize + 3, std::size_t{700'000}}) {
    const std::string body = pattern(size);
    MemoryStorage storage;
    SessionPeer peer(storage);
    peer.sendFrame(putJson("raw", size), body);
    REQUIRE(peer.reply().ok == true);
    CHECK(storage.content("raw") == body);
    std::string chunks;
    for (std::size_t at = 0; at < size; at += 5000) chunks += chunk(std::string_view(body).substr(at, 5000));
    chunks += hole(0) + frame(R"({"v":1,"cmd":"trailer","ok":true,"filesize":)" + std::to_string(size) +
                              R"(,"xxh128":")" + xxhOf(body) + "\"}");
    peer.sendFrame(R"({"v":1,"cmd":"put","filename":"chunked","body":"chunks","digest":"xxh128"})", chunks);
    const Header reply = peer.reply();
    REQUIRE(reply.ok == true);
    CHECK(reply.findDigest(DigestAlgorithm::Xxh128)->hex == xxhOf(body));
    CHECK(storage.content("chunked") == body);
    for (const char* form : {"raw", "chunks"}) {
      peer.sendFrame(R"({"v":1,"cmd":"get","filename":"chunked","digest":"xxh128","body":")" + std::string(form) +
                     "\"}");
      REQUIRE(peer.reply().filesize == size);
      if (form == std::string("raw")) {
        CHECK(peer.take(size) == body);
        continue;
      }
      std::string got;
      for (;;) {
        const std::string prefix = peer.take(kChunkPrefixSize);
        const std::int64_t n =
            decodeChunk(std::as_bytes(std::span(prefix.data(), prefix.size())).first<kChunkPrefixSize>());
        if (n == 0) break;
        got += peer.take(static_cast<std::size_t>(n));
      }
      CHECK(got == body);
      CHECK(peer.reply().findDigest(DigestAlgorithm::Xxh128)->hex == xxhOf(body));
    }
    CHECK(peer.nothingMore());
  }
}

TEST_CASE("a hole in a chunked body is stored as zeros and counts in the digest") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  const std::string whole = "begin" + std::string(100'000, '\0') + "end";
  peer.sendFrame(
      R"({"v":1,"cmd":"put","filename":"s","body":"chunks","digest":"sha256"})",
      chunk("begin") + hole(100'000) + chunk("end") + hole(0) +
          frame(R"({"v":1,"cmd":"trailer","ok":true,"sha256":")" + hexOf(DigestAlgorithm::Sha256, whole) + "\"}"));
  CHECK(peer.reply().ok == true);
  CHECK(storage.content("s") == whole);
}

TEST_CASE("a digest that differs stores nothing, keeps the old file and the connection") {
  MemoryStorage storage;
  storage.store("a", "old");
  SessionPeer peer(storage);
  peer.sendFrame(putJson("a", 3, R"(,"md5":"00000000000000000000000000000000")"), "new");
  CHECK(peer.reply().error == "integrity");
  peer.sendFrame(R"({"v":1,"cmd":"put","filename":"a","body":"chunks","digest":"xxh128"})",
                 chunk("new") + hole(0) +
                     frame(R"({"v":1,"cmd":"trailer","ok":true,"xxh128":"00000000000000000000000000000000"})"));
  CHECK(peer.reply().error == "integrity");
  CHECK(storage.content("a") == "old");
  peer.sendFrame(R"({"v":1,"cmd":"ping"})");
  CHECK(peer.reply().ok == true);
}

TEST_CASE("a sender that gives its body up is answered with its own reason and nothing is stored") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.sendFrame(
      R"({"v":1,"cmd":"put","filename":"a","body":"chunks"})",
      chunk("part") + hole(0) + frame(R"({"v":1,"cmd":"trailer","ok":false,"error":"changed","message":"it grew"})"));
  CHECK(peer.reply().error == "changed");
  CHECK_FALSE(storage.content("a"));
  CHECK_FALSE(peer.ended());
}

TEST_CASE(
    "a short body of a refused put is thrown away and the connection goes on; a long one ends it after the reply") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.sendFrame(putJson("../a", 5), "hello");
  CHECK(peer.reply().error == "name_invalid");
  peer.sendFrame(R"({"v":1,"cmd":"put","filename":"/x","body":"chunks"})",
                 chunk("abc") + hole(0) + frame(R"({"v":1,"cmd":"trailer","ok":true})"));
  CHECK(peer.reply().error == "name_invalid");
  peer.sendFrame(R"({"v":1,"cmd":"ping"})");
  CHECK(peer.reply().ok == true);
  peer.sendFrame(putJson("../a", kMaxDrainedBody + 1), "begin");
  CHECK(peer.reply().error == "name_invalid");
  CHECK(peer.ended());
}

TEST_CASE("the plain form: puts without replies, a get with its frame, and the end after a failure") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.send(frame(R"({"cmd":"put","filename":"a","filesize":3})") + "one" +
            frame(R"({"cmd":"put","file_name":"b","total_size":3})") + "two");
  CHECK(peer.nothingMore());
  CHECK(storage.content("a") == "one");
  CHECK(storage.content("b") == "two");
  peer.sendFrame(R"({"cmd":"get","filename":"b"})");
  const Header got = peer.reply();
  CHECK(got.plain);
  CHECK(got.filename == "b");
  CHECK(got.filesize == 3);
  CHECK(got.findDigest(DigestAlgorithm::Md5)->hex == md5Of("two"));
  CHECK(peer.take(3) == "two");
  peer.sendFrame(R"({"cmd":"get","filename":"none"})");
  const Header missing = peer.reply();
  CHECK(missing.error == "not_found");
  CHECK(missing.filesize == 0);
  peer.sendFrame(R"({"cmd":"stat","filename":"a"})");
  CHECK(peer.reply().error == "unsupported");
  peer.sendFrame(R"({"cmd":"put","filename":"c","filesize":3,"md5":"00000000000000000000000000000000"})", "xyz");
  CHECK(peer.nothingMore());
  CHECK(peer.ended());
  CHECK_FALSE(storage.content("c"));
}

TEST_CASE("bad framing ends the connection, but what had arrived whole before is stored and answered") {
  for (const std::uint32_t length : {0u, 1u, 65'537u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    MemoryStorage storage;
    SessionPeer peer(storage);
    std::string bad(4, '\0');
    for (std::size_t i = 0; i < 4; ++i) bad[i] = static_cast<char>(length >> (8 * i) & 0xff);
    peer.send(frame(putJson("a", 1)) + "x" + bad);
    CHECK(peer.closed());
    CHECK(storage.content("a") == "x");
    CHECK(peer.reply().ok == true);
    CHECK(peer.nothingMore());
  }
}

TEST_CASE("a header that is not JSON is answered bad_request and the connection ends") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.sendFrame("{nonsense}");
  CHECK(peer.reply().error == "bad_request");
  CHECK(peer.ended());
}

TEST_CASE("a connection that ends inside a body leaves nothing behind") {
  const std::string body = pattern(2000);
  const std::string all = frame(putJson("a", body.size())) + body;
  for (std::size_t cut = 0; cut < all.size(); cut += 61) {
    MemoryStorage storage;
    SessionPeer peer(storage);
    peer.send(all.substr(0, cut));
    peer.closeSending();
    CHECK(peer.closed());
    CHECK_FALSE(storage.content("a"));
    CHECK(storage.openUploads() == 0);
  }
}

TEST_CASE("a refused body of unknown length is read up to its limit in all, however many windows it takes") {
  MemoryStorage storage;
  SessionPeer peer(storage, {.limits = {.bodyWindow = 10s}});
  std::string piece(8, '\0');
  piece[2] = 6;  // 6 << 16
  piece += std::string(6 << 16, 'x');
  peer.sendFrame(R"({"v":1,"cmd":"put","filename":"../x","body":"chunks"})");
  CHECK(peer.reply().error == "name_invalid");
  for (int i = 0; i < 2; ++i) {
    peer.send(piece);
    peer.passTime(11s);
    CHECK_FALSE(peer.ended());
  }
  peer.send(piece);
  CHECK(peer.ended());
}

TEST_CASE(
    "while draining a running put is finished, a new request is refused, and the connection ends before the next") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.sendFrame(putJson("a", 10), "hello");
  peer.drain();
  peer.run();
  CHECK_FALSE(peer.closed());
  peer.send("world");
  CHECK(peer.reply().ok == true);
  CHECK(peer.closed());
  SessionPeer other(storage);
  other.drain();
  other.send(frame(R"({"v":1,"cmd":"stat","id":7,"filename":"a"})") +
             frame(R"({"v":1,"cmd":"remove","filename":"a"})"));
  const Header refused = other.reply();
  CHECK(refused.error == "shutting_down");
  CHECK(refused.id == "7");
  CHECK(other.nothingMore());
  CHECK(other.ended());
  CHECK(storage.content("a"));
}

TEST_CASE("a peer that reads nothing makes the session wait for it, and loses no byte when it reads at last") {
  MemoryStorage storage;
  const std::string body = pattern(3'000'000);
  storage.store("a", body);
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"a"})");
  for (int i = 0; i < 100 && peer.wait() == Session::Wait::Write; ++i) peer.run();
  CHECK(peer.reply().filesize == body.size());
  CHECK(peer.take(body.size()) == body);
}
