#include "server/access/users_file.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "common/error.h"
#include "server/access/password.h"
#include "server/access/users_editor.h"
#include "server/access/users_place.h"
#include "tests/server/disk_fixture.h"

using namespace ft;

namespace {

const std::string kSaltAndHash = "$" + std::string(22, 'A') + "$" + std::string(43, 'A');
const std::string kHash = "$argon2id$v=19$m=8,t=1,p=1" + kSaltAndHash;
const std::string kToken = "sha256:" + std::string(64, 'a');
const std::string kKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

UserTable parse(const std::string& text) { return UserTable::parse(text, "users"); }

std::string faultOf(const std::string& text) {
  try {
    parse(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a users file gives each user with all its ways to log in") {
  const UserTable table =
      parse("# people\n[user anna]\npassword = " + kHash + "\nkey = " + kKey +
            " anna@laptop\ncertificate = anna.example\nuid = 1000\ntoken.ci = " + kToken +
            "\ntoken.ci.until = 2027-01-31\ntoken.ci.verbs = list get\ntoken.ci.prefixes = /pub/; in/box\n"
            "[user bob]\ndisabled = yes\n[user carol]\n");
  REQUIRE(table.all().size() == 3);
  const UserRecord* const anna = table.find("anna");
  REQUIRE(anna != nullptr);
  CHECK(anna->password == kHash);
  CHECK(anna->keys.at(0).comment == "anna@laptop");
  CHECK(writePublicKey(anna->keys.at(0).key) == kKey);
  CHECK(anna->tokens.at(0).scope->verbs == std::vector<std::string>{"list", "get"});
  CHECK(anna->tokens.at(0).scope->prefixes == std::vector<std::string>{"pub", "in/box"});
  CHECK(writeMoment(*anna->tokens.at(0).until) == "2027-01-31T00:00:00Z");
  CHECK(table.find("bob")->disabled);
  CHECK(table.find("carol") != nullptr);
  CHECK(table.find("dave") == nullptr);
  CHECK(table.findUid(1000) == anna);
  CHECK(table.findUid(1001) == nullptr);
  CHECK(table.findToken(std::string(64, 'a')).first == anna);
  CHECK(table.findToken(std::string(64, 'b')).first == nullptr);
  CHECK(table.findCertificate("", "anna.example") == anna);
  CHECK(table.findCertificate("SHA256:x", "") == nullptr);
}

TEST_CASE("a moment is read strictly, and one that is far away has not passed") {
  CHECK(parseMoment("9999-12-31").value() > thisMoment());
  CHECK(parseMoment("2262-12-31").value() > thisMoment());
  CHECK(writeMoment(parseMoment("9999-12-31T23:59:59Z").value()) == "9999-12-31T23:59:59Z");
  CHECK(parseMoment("1970-01-02").value() < thisMoment());
  for (const char* wrong :
       {"27-01-31", "2027-1-31", "2027-02-31", "2027-01-31T24:00:00Z", "2027-01-31 ", " 2027-01-31", "10000-01-01"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parseMoment(wrong).has_value());
  }
}

TEST_CASE("a name in a certificate cannot pass for the fingerprint of a key") {
  const std::string print = "SHA256:" + std::string(43, 'A');
  const UserTable table = parse("[user anna]\ncertificate = " + print + "\n");
  CHECK(table.findCertificate(print, "") != nullptr);
  CHECK(table.findCertificate("", print) == nullptr);
}

TEST_CASE("what cannot stand in a users file is refused with its file and line") {
  struct Case {
    std::string text, start, part;
  };
  const Case cases[] = {
      {"password = x\n", "users:1: ", "[user NAME]"},
      {"[user anna]\n[user bob]\n[user anna]\n", "users:3: ", "line 1"},
      {"[user anna]\n[user anna]\n", "users:2: ", "was there before"},
      {"[user Anna]\n", "users:1: ", ""},
      {"[user anonymous]\n", "users:1: ", "anonymous"},
      {"[users]\n", "users:1: ", "[user NAME]"},
      {"[user anna]\npassword = secret\n", "users:2: ", "ftpd user passwd"},
      {"[user anna]\npassword = " + kHash + "\npassword = " + kHash + "\n", "users:3: ", "twice"},
      {"[user anna]\ndisabled = maybe\n", "users:2: ", "yes or no"},
      {"[user anna]\nkey = ssh-rsa AAAA\n", "users:2: ", "Ed25519"},
      {"[user anna]\nkey = ssh-ed25519 AAAA\n", "users:2: ", "Ed25519"},
      {"[user anna]\ncertificate = SHA256:short\n", "users:2: ", "SHA256"},
      {"[user anna]\nuid = -1\n", "users:2: ", "uid"},
      {"[user anna]\nuid = 1\n[user bob]\nuid = 1\n", "users:4: ", "another user"},
      {"[user anna]\ntoken.ci = secret\n", "users:2: ", "sha256"},
      {"[user anna]\ntoken.ci.until = 2027-01-01\n", "users:2: ", "must follow"},
      {"[user anna]\ntoken.ci = " + kToken + "\ntoken.ci.until = 2027-02-31\n", "users:3: ", "moment"},
      {"[user anna]\ntoken.ci = " + kToken + "\ntoken.ci.prefixes = ../etc\n", "users:3: ", ""},
      {"[user anna]\ntoken.ci = " + kToken + "\ntoken.ci.prefixes = ;\n", "users:3: ", "says nothing"},
      {"[user anna]\ntoken.ci = " + kToken + "\n[user bob]\ntoken.x = " + kToken + "\n", "users:4: ", "twice"},
      {"[user anna]\npasword = x\n", "users:2: ", "did you mean 'password'"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    const std::string fault = faultOf(one.text);
    CHECK(fault.starts_with(one.start));
    CHECK(fault.find(one.part) != std::string::npos);
    CHECK(fault.find("secret") == std::string::npos);
  }
}

TEST_CASE("a password's hash is taken whole, and at a cost that can be paid, or not at all") {
  const auto fault = [](const std::string& hash) { return faultOf("[user anna]\npassword = " + hash + "\n"); };
  const std::string made = hashPassword("correct horse", {1, 8192});
  CHECK(fault(made) == "");
  CHECK(fault(hashPassword("correct horse")) == "");
  for (std::size_t size = 1; size < made.size(); ++size) {
    CAPTURE(size);
    CHECK(fault(made.substr(0, size)).starts_with("users:2: 'password' must be a hash"));
  }
  CHECK(fault(made + "A") != "");
  CHECK(fault(made + "=") != "");
  const auto cost = [&](const std::string& numbers) { return fault("$argon2id$v=19$" + numbers + kSaltAndHash); };
  CHECK(cost("m=1048576,t=4,p=1") == "");
  CHECK(cost("m=4194304,t=100,p=1").find("costs too much") != std::string::npos);
  for (const char* const numbers :
       {"m=1048577,t=1,p=1", "m=1048576,t=5,p=1", "m=8,t=99999999,p=1", "m=8,t=99999999999999999999999,p=1",
        "m=7,t=1,p=1", "m=8,t=0,p=1", "m=08,t=1,p=1", "m=-8,t=1,p=1", "m=8,t=1,p=2", "m=8,t=1", "t=1,m=8,p=1"}) {
    CAPTURE(numbers);
    CHECK(cost(numbers) != "");
  }
}

TEST_CASE("an edited users file keeps its comments, its order and what belongs to others") {
  UsersText text("# mine\n[user anna]\npassword = " + kHash + "\n\n# bob is new\n[user bob]\nuid = 7\n");
  text.set("anna", "disabled", "yes");
  text.append("anna", "uid", "5");
  text.addUser("carol");
  text.removeUser("bob");
  CHECK(text.text() ==
        "# mine\n[user anna]\ndisabled = yes\npassword = " + kHash + "\nuid = 5\n\n# bob is new\n\n[user carol]\n");
  text.set("anna", "disabled", "");
  CHECK(text.removeIf("anna", [](const std::string& key, const std::string&) { return key == "uid"; }) == 1);
  CHECK(text.text() == "# mine\n[user anna]\npassword = " + kHash + "\n\n# bob is new\n\n[user carol]\n");
  CHECK_THROWS_AS(text.set("dave", "uid", "1"), ConfigError);
  CHECK_THROWS_AS(text.append("anna", "key", "x\n[user eve]"), ConfigError);
}

TEST_CASE("an administrator who names no file means the service that is installed, and nobody else does") {
  const testing::TempFolder folder;
  const std::string state = folder.path().string();
  const SystemService service{state + "/ftpd.conf", state, true};
  const Environment home{{"HOME", "/home/anna"}};
  CHECK(usersFile(configOfUsers("", home, service)) == "/home/anna/.local/state/ftpd/users");  // nothing is installed
  std::ofstream(service.config) << "[server]\nstate =\n";                                      // as it is shipped
  const ServerConfig installed = configOfUsers("", home, service);
  CHECK(usersFile(installed) == state + "/users");
  CHECK(usersFile(configOfUsers(service.config, home, service)) == state + "/users");
  std::ofstream(service.config) << "[server]\nstate = /own\n";
  CHECK(usersFile(configOfUsers("", home, service)) == "/own/users");
  CHECK(usersFile(configOfUsers("", {{"FTPD_SERVER__STATE", "/elsewhere"}}, service)) == "/elsewhere/users");
  CHECK(usersFile(configOfUsers("", home, {service.config, service.state, false})) ==
        "/home/anna/.local/state/ftpd/users");
}
