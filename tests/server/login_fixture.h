#pragma once
// Users in a temporary file, and an authenticator on them whose passwords cost next to nothing.

#include <array>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "common/base64.h"
#include "server/access/authenticator.h"
#include "server/access/user_commands.h"
#include "tests/server/disk_fixture.h"

namespace ft::testing {

inline constexpr PasswordCost kCheap{1, 8192};
inline PeerInfo peerAt(std::array<std::uint8_t, 4> v4) {
  PeerInfo peer{
      .address = {.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, v4[0], v4[1], v4[2], v4[3]}, .port = 1}};
  return peer;
}
inline const PeerInfo kHere = peerAt({127, 0, 0, 1});
inline const PeerInfo kAway = peerAt({192, 0, 2, 1});

struct Accounts {
  Accounts() { users.add("anna", "correct horse"); }

  AccessOptions options() const {
    AccessOptions options;
    options.usersFile = file;
    options.cost = kCheap;
    options.now = [this] { return time; };
    return options;
  }
  Authenticator& access() {
    if (!made) made = std::make_unique<Authenticator>(options(), log);
    return *made;
  }

  // Waits for the answer.
  LoginResult login(Credentials credentials, const LoginLine& line) {
    const auto attempt = access().begin(std::move(credentials), line, [] {});
    for (;;) {
      if (auto result = attempt->take()) return std::move(*result);
      std::this_thread::yield();
    }
  }
  LoginResult password(const std::string& user, const std::string& secret, const LoginLine& line = {kHere, false, ""}) {
    Credentials credentials;
    credentials.user = user;
    credentials.password = secret;
    return login(std::move(credentials), line);
  }
  LoginResult token(const std::string& secret, const LoginLine& line = {kHere, false, ""}) {
    Credentials credentials;
    credentials.token = secret;
    return login(std::move(credentials), line);
  }
  LoginResult key(const SecretKey& secret, const std::string& signedBinding, const LoginLine& line) {
    Credentials credentials;
    credentials.user = "anna";
    credentials.key = secret.publicKey().bytes;
    credentials.signature =
        secret.sign(loginMessage(line.encrypted ? LoginBinding::Exporter : LoginBinding::Nonce, signedBinding, "anna"));
    return login(std::move(credentials), line);
  }

  Moment time = thisMoment();  // the authenticator's clock
  TempFolder folder;
  std::string file = (folder.path() / "users").string();
  UserCommands users{file, kCheap};
  std::string logged;
  Log log{LogLevel::Debug,
          LogFormat::Text,
          {[this](std::string_view line) { logged += std::string(line) + "\n"; }, std::chrono::system_clock::now}};
  std::unique_ptr<Authenticator> made;  // last: its threads log
};

}  // namespace ft::testing
