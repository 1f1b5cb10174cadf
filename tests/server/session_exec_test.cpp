// Sessions: what a client sends along with a command that is refused.

#include <doctest/doctest.h>

#include <algorithm>

#include "common/protocol.h"
#include "tests/server/login_fixture.h"
#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using namespace ft::testing;

namespace {

const std::string kExec = frame(R"({"v":1,"cmd":"exec","id":1,"name":"df","input":true})");
const std::string kResize = frame(R"({"v":1,"cmd":"resize","rows":10,"columns":20})");
const std::string kPing = frame(R"({"v":1,"cmd":"ping","id":2})");

std::string input(std::string_view bytes) {
  return frame(R"({"v":1,"cmd":"input","filesize":)" + std::to_string(bytes.size()) + "}") + std::string(bytes);
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("the input of a refused command has no reply and no record, wherever its bytes are cut") {
  const std::string all = kExec + input("one\n") + kResize + input(pattern(300)) + input("") + kPing;
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    CAPTURE(cut);
    MemoryStorage storage;
    SessionPeer peer(storage);
    peer.crowd();
    peer.send(all.substr(0, cut));
    peer.send(all.substr(cut));
    REQUIRE(peer.reply().error == "unsupported");
    REQUIRE(peer.reply().id == "2");
    REQUIRE(peer.nothingMore());
    REQUIRE(count(peer.logged(), "outcome=unsupported") == 1);
  }
}

TEST_CASE("input belongs to the exec before it, not to any other request") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.send(input(""));
  CHECK(peer.reply().error == "unsupported");
  peer.send(kExec + kPing + kResize);
  CHECK(peer.reply().error == "unsupported");
  CHECK(peer.reply().ok == true);
  CHECK(peer.reply().error == "unsupported");
  CHECK(peer.nothingMore());
}

TEST_CASE("the body of an input without an exec is read like that of a refused put, and it has one reply") {
  const std::string trap = frame(R"({"v":1,"cmd":"put","filename":"trap","filesize":0})");
  for (const std::size_t size : {std::size_t{0}, trap.size(), std::size_t{kMaxDrainedBody}}) {
    CAPTURE(size);
    MemoryStorage storage;
    SessionPeer peer(storage);
    std::string body = trap;
    body.resize(size, 'x');
    peer.send(input(body) + kPing);
    CHECK(peer.reply().error == "unsupported");
    CHECK(peer.reply().id == "2");
    CHECK(peer.nothingMore());
    CHECK_FALSE(storage.content("trap"));
  }
  for (const std::string& all :
       {input(std::string(kMaxDrainedBody + 1, 'x')), frame(R"({"v":1,"cmd":"input"})") + kPing}) {
    MemoryStorage storage;
    SessionPeer peer(storage);
    peer.send(all);
    const Header reply = peer.reply();
    CHECK((reply.error == "unsupported" || reply.error == "bad_request"));
    CHECK(peer.nothingMore());
    CHECK(peer.ended());
  }
  Accounts accounts;
  MemoryStorage storage;
  SessionPeer peer(storage, {.access = &accounts.access(), .origin = kHere});
  peer.send(input("") + kPing + input("x") + kPing);
  CHECK(peer.reply().error == "unsupported");
  CHECK(peer.reply().ok == true);
  CHECK(peer.reply().error == "unsupported");
  CHECK(peer.nothingMore());
  CHECK(peer.ended());
}

TEST_CASE("a command that is refused for its header has no other reply either") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.send(frame(R"({"v":1,"cmd":"exec","id":1,"name":5})") + input("one\n") + kResize + kPing);
  CHECK(peer.reply().error == "bad_request");
  CHECK(peer.reply().id == "2");
  CHECK(peer.nothingMore());
}

TEST_CASE("input that does not tell its size ends the connection") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.send(kExec + frame(R"({"v":1,"cmd":"input","filesize":"x"})") + kPing);
  CHECK(peer.reply().error == "unsupported");
  CHECK(peer.reply().error == "bad_request");
  CHECK(peer.nothingMore());
  CHECK(peer.ended());
  SessionPeer other(storage);
  other.send(kExec + frame(R"({"v":1,"cmd":"input"})") + kPing);
  CHECK(other.reply().error == "unsupported");
  CHECK(other.reply().error == "bad_request");
  CHECK(other.nothingMore());
  CHECK(other.ended());
}

TEST_CASE("the input of a refused command is read up to a limit, like the body of a refused put") {
  for (const std::size_t over : {0U, 1U}) {
    CAPTURE(over);
    MemoryStorage storage;
    SessionPeer peer(storage);
    peer.send(kExec + input(std::string(kMaxDrainedBody + over, 'x')));
    CHECK(peer.reply().error == "unsupported");
    CHECK(peer.nothingMore());
    CHECK(peer.ended() == (over > 0));
  }
}

TEST_CASE("before a log-in the input of a refused command is not read at all") {
  Accounts accounts;
  MemoryStorage storage;
  SessionPeer peer(storage, {.access = &accounts.access(), .origin = kHere});
  peer.send(kExec + kResize + input(""));
  CHECK(peer.reply().error == "unauthenticated");
  CHECK_FALSE(peer.ended());
  peer.send(input("x"));
  CHECK(peer.nothingMore());
  CHECK(peer.ended());
}

TEST_CASE("a hello does not name exec where no commands are configured") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"hello"})");
  const std::vector<std::string> commands = peer.reply().commands.value();
  CHECK(std::find(commands.begin(), commands.end(), "exec") == commands.end());
  CHECK(commands.size() + 1 == commandTable().size());
}
