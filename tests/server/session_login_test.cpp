// Sessions: who is there, and what that changes.

#include <doctest/doctest.h>

#include "common/protocol.h"
#include "server/access/users_editor.h"
#include "tests/server/login_fixture.h"
#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using ft::testing::Accounts;
using ft::testing::frame;
using ft::testing::kAway;
using ft::testing::kHere;
using ft::testing::MemoryStorage;

namespace {

const std::string kLogin = R"({"v":1,"cmd":"login","id":1,"user":"anna","password":"correct horse"})";

struct Scene {
  Accounts accounts;
  MemoryStorage storage;
  SessionPeer peer;
  explicit Scene(const PeerInfo& origin = kHere) : peer(storage, {.access = &accounts.access(), .origin = origin}) {
    storage.store("a", "hello");
  }
};

}  // namespace

TEST_CASE("before a log-in only ping, hello and login are served") {
  Scene scene;
  for (const Command& command : commandTable()) {
    if (command.name == "login" || command.body == BodyRule::FromClient) continue;
    CAPTURE(command.name);
    scene.peer.sendFrame(R"({"v":1,"cmd":")" + std::string(command.name) + R"(","filename":"a"})");
    const Header reply = scene.peer.reply();
    const bool open = command.name == "ping" || command.name == "hello";
    CHECK(reply.ok == open);
    CHECK(reply.error.value_or("") == (open ? "" : "unauthenticated"));
  }
}

TEST_CASE("a log-in and the requests behind it may come in one piece, and are answered in order") {
  Scene scene;
  scene.peer.send(frame(kLogin) + frame(R"({"v":1,"cmd":"get","id":2,"filename":"a"})") +
                  frame(R"({"v":1,"cmd":"ping","id":3})"));
  scene.peer.awaitEvent();
  const Header login = scene.peer.reply();
  CHECK(login.ok == true);
  CHECK(login.id == "1");
  CHECK(login.user == "anna");
  CHECK(scene.peer.reply().ok == true);
  CHECK(scene.peer.take(5) == "hello");
  CHECK(scene.peer.reply().id == "3");
}

TEST_CASE("what comes behind a log-in that fails is refused, and the body of a put is not waited for") {
  Scene scene;
  scene.peer.send(frame(R"({"v":1,"cmd":"login","user":"anna","password":"wrong horse"})") +
                  frame(R"({"v":1,"cmd":"put","filename":"b","filesize":1000000})"));
  scene.peer.awaitEvent();
  CHECK(scene.peer.reply().error == "unauthenticated");
  CHECK(scene.peer.reply().error == "unauthenticated");
  CHECK(scene.peer.ended());
}

TEST_CASE("a plain put before a log-in ends the connection and stores nothing") {
  Scene scene;
  scene.peer.send(frame(R"({"cmd":"put","filename":"b","filesize":2})") + "xy");
  CHECK(scene.peer.ended());
  CHECK(scene.peer.nothingMore());
  CHECK_THROWS_AS(scene.storage.open(FileName::parse("b")), Failure);
}

TEST_CASE("headers before a log-in are at most 8 KiB, told from their length, and any after it") {
  Scene scene;
  const std::string small = R"({"v":1,"cmd":"ping","x":")" + std::string(kMaxHeaderBeforeLogin - 27, 'x') + "\"}";
  REQUIRE(small.size() == kMaxHeaderBeforeLogin);
  scene.peer.sendFrame(small);
  CHECK(scene.peer.reply().ok == true);
  const std::string large = R"({"v":1,"cmd":"ping","x":")" + std::string(20'000, 'x') + "\"}";
  scene.peer.sendFrame(kLogin);
  scene.peer.awaitEvent();
  CHECK(scene.peer.reply().ok == true);
  scene.peer.sendFrame(large);
  CHECK(scene.peer.reply().ok == true);
  SessionPeer other(scene.storage, {.access = &scene.accounts.access(), .origin = kHere});
  other.sendFrame(large);
  CHECK(other.reply().error == "unauthenticated");
  CHECK(other.ended());
}

TEST_CASE("on a line of another machine without TLS nothing is served, and no password taken") {
  Scene scene(kAway);
  scene.peer.sendFrame(kLogin);
  CHECK(scene.peer.reply().error == "forbidden");
  scene.peer.sendFrame(R"({"v":1,"cmd":"list"})");
  const Header reply = scene.peer.reply();
  CHECK(reply.error == "forbidden");
  CHECK(reply.message->find("TLS") != std::string::npos);
}

TEST_CASE("the plain form of another machine is refused in words") {
  Scene scene(kAway);
  scene.peer.sendFrame(R"({"cmd":"get","filename":"a"})");
  CHECK(scene.peer.reply().message->find("plain_form") != std::string::npos);
}

TEST_CASE("too many failed tries end the connection") {
  Scene scene;
  const SecretKey key = makeSecretKey();
  for (int i = 0; i < kMaxLoginTries; ++i) {
    CHECK_FALSE(scene.peer.ended());
    scene.peer.sendFrame(R"({"v":1,"cmd":"hello"})");
    REQUIRE(scene.peer.reply().nonce->size() == 64);
    scene.peer.sendFrame(R"({"v":1,"cmd":"login","user":"anna","key":")" + writePublicKey(key.publicKey()) +
                         R"(","signature":")" + base64(std::string(64, 's')) + "\"}");
    if (scene.peer.reply().error == "rate_limited") break;
  }
  CHECK(scene.peer.ended());
}

TEST_CASE("a key signs the nonce of this connection, which is good for one log-in") {
  Scene scene;
  const SecretKey key = makeSecretKey();
  scene.accounts.users.addKey("anna", writePublicKey(key.publicKey()));
  scene.accounts.access().reload();
  const auto login = [&](const std::string& nonce) {
    std::string binding;
    for (std::size_t i = 0; i < nonce.size(); i += 2)
      binding += static_cast<char>(std::stoi(nonce.substr(i, 2), nullptr, 16));
    scene.peer.sendFrame(R"({"v":1,"cmd":"login","user":"anna","key":")" + writePublicKey(key.publicKey()) +
                         R"(","signature":")" + base64(key.sign(loginMessage(LoginBinding::Nonce, binding, "anna"))) +
                         "\"}");
    return scene.peer.reply();
  };
  scene.peer.sendFrame(R"({"v":1,"cmd":"hello"})");
  const std::string nonce = scene.peer.reply().nonce.value();
  CHECK(login(nonce).ok == true);
  CHECK(login(nonce).error == "bad_request");
  scene.peer.sendFrame(R"({"v":1,"cmd":"hello"})");
  CHECK(scene.peer.reply().nonce.value() != nonce);
}

TEST_CASE("who is there already is welcome by that name without a secret, and nobody else is") {
  const auto login = [](SessionPeer& peer, const std::string& user) {
    peer.sendFrame(R"({"v":1,"cmd":"login","user":")" + user + R"("})");
    return peer.reply();
  };
  Accounts accounts;
  accounts.users.add("bert", std::nullopt);
  accounts.users.addLine("anna", "uid", "4711");
  MemoryStorage storage;
  PeerInfo origin = kHere;
  origin.uid = 4711;
  SessionPeer anna(storage, {.access = &accounts.access(), .origin = origin});
  CHECK(login(anna, "anna").user == "anna");
  for (int i = 0; i < 2 * kMaxLoginTries; ++i) {
    // No guess, and no hint who has an account.
    CHECK(login(anna, "bert").error == "unauthenticated");
    CHECK(login(anna, "bert").message == login(anna, "eve").message);
  }
  CHECK(login(anna, "anna").ok == true);
  SessionPeer stranger(storage, {.access = &accounts.access(), .origin = kHere});
  CHECK(login(stranger, "anna").error == "unauthenticated");
}

TEST_CASE("every way to log in that fails is answered with the id of its request, and named in the records") {
  const SecretKey key = makeSecretKey();
  const std::string signedBy = R"("key":")" + writePublicKey(key.publicKey()) + R"(","signature":")";
  const std::string long64(64, 's');
  for (const std::string& shown :
       {std::string(R"("user":"x")"), std::string(R"("user":"x","password":"wrong horse")"),
        std::string(R"("user":"x","token":"ftpd_no")"),
        std::string(R"("user":"x","key":"ssh-ed25519 no","signature":"")"), R"("user":"x",)" + signedBy + "!\"",
        R"("user":"x",)" + signedBy + base64(long64) + "\"", std::string(R"("user":"x","password":"a","token":"b")")}) {
    CAPTURE(shown);
    Scene scene;
    scene.peer.sendFrame(R"({"v":1,"cmd":"login","id":[7],)" + shown + "}");
    scene.peer.awaitEvent();
    const Header reply = scene.peer.reply();
    CHECK(reply.ok == false);
    CHECK(reply.cmd == "login");
    CHECK(reply.id == "[7]");
    CHECK(scene.peer.logged().find("user=x") != std::string::npos);
    CHECK(scene.peer.logged().find("command=login") != std::string::npos);
  }
}

TEST_CASE("without accounts a login is answered with the id of its request") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"login","id":7,"user":"x"})");
  const Header reply = peer.reply();
  CHECK(reply.error == "unsupported");
  CHECK(reply.cmd == "login");
  CHECK(reply.id == "7");
}

TEST_CASE("a user who was disabled is nobody at the next request") {
  Scene scene;
  scene.peer.sendFrame(kLogin);
  scene.peer.awaitEvent();
  REQUIRE(scene.peer.reply().ok == true);
  scene.accounts.users.disable("anna", true);
  scene.accounts.access().reload();
  scene.peer.sendFrame(R"({"v":1,"cmd":"stat","filename":"a"})");
  CHECK(scene.peer.reply().error == "unauthenticated");
}

TEST_CASE("a token that ends is of no use to the next request, which is told why, and a later end counts at once") {
  Scene scene;
  const Moment end = scene.accounts.time + std::chrono::seconds(60);
  const std::string token = scene.accounts.users.addToken("anna", "ci", {end, {}, {}});
  scene.accounts.access().reload();
  const auto stat = [&] {
    scene.peer.sendFrame(R"({"v":1,"cmd":"stat","filename":"a"})");
    return scene.peer.reply();
  };
  scene.peer.sendFrame(R"({"v":1,"cmd":"login","token":")" + token + R"("})");
  REQUIRE(scene.peer.reply().ok == true);
  scene.accounts.time = end - std::chrono::seconds(1);
  CHECK(stat().ok == true);
  editUsersFile(scene.accounts.file, [&](UsersText& text) {
    text.set("anna", "token.ci.until", writeMoment(end + std::chrono::seconds(60)));
  });
  scene.accounts.access().reload();
  scene.accounts.time = end;
  CHECK(stat().ok == true);
  scene.accounts.time = end + std::chrono::seconds(60);
  const Header refused = stat();
  CHECK(refused.error == "unauthenticated");
  CHECK(refused.message == "log in first: the token 'ci' ended at " + writeMoment(scene.accounts.time));
}

TEST_CASE("a session that ends while its log-in is looked at leaves nothing waiting") {
  Scene scene;
  scene.peer.sendFrame(kLogin);
  scene.peer.passTime(std::chrono::hours(1));
  scene.accounts.access().stop();
  CHECK(true);
}
