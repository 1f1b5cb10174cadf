// Who a client is: by its address, its certificate, or what it logs in with.

#include "server/access/authenticator.h"

#include <doctest/doctest.h>

#include <atomic>
#include <new>

#include "common/error.h"
#include "common/protocol.h"
#include "tests/server/login_fixture.h"

using namespace ft;
using namespace ft::testing;
using Kind = Identity::Kind;

namespace {

// Of a client that shows a certificate with the name anna.
LineSecurity lineWith(const std::string& fingerprint, Moment end, const std::string& fault = "") {
  ShownCertificate shown;
  shown.subject = "CN=anna";
  shown.fault = fault;
  shown.begins = Moment(std::chrono::hours(1));
  shown.ends = end;
  LineSecurity line;
  line.peerFingerprint = fingerprint;
  if (fault.empty()) line.peerName = "anna";
  line.peerCertificate = std::make_shared<const ShownCertificate>(shown);
  return line;
}

ErrorCode codeOf(const LoginResult& result) { return result.failure ? result.failure->code() : ErrorCode::Internal; }

}  // namespace

TEST_CASE("without accounts this machine's clients are Local, and others nobody") {
  Accounts accounts;
  accounts.users.remove("anna");
  CHECK(accounts.access().initial(kHere, nullptr)->kind == Kind::Local);
  CHECK(accounts.access().initial(kAway, nullptr)->kind == Kind::Nobody);
  accounts.users.add("anna", "correct horse");
  accounts.access().reloadIfChanged();
  CHECK(accounts.access().initial(kHere, nullptr)->kind == Kind::Nobody);
}

TEST_CASE("who somebody is before a log-in follows from the configuration alone") {
  Accounts accounts;
  AccessOptions options = accounts.options();
  options.local = LocalAccess::Open;
  CHECK(Authenticator(options, accounts.log).initial(kHere, nullptr)->kind == Kind::Local);
  CHECK(Authenticator(options, accounts.log).initial(kAway, nullptr)->kind == Kind::Nobody);
  options.local = LocalAccess::Login;
  options.anonymous = true;
  CHECK(Authenticator(options, accounts.log).initial(kAway, nullptr)->kind == Kind::Anonymous);
  options.insecure = true;
  CHECK(Authenticator(options, accounts.log).initial(kAway, nullptr)->kind == Kind::Local);
}

TEST_CASE("a right password makes a User; a wrong one, no password and no such user read the same") {
  Accounts accounts;
  accounts.users.add("bob", std::nullopt);
  const LoginResult good = accounts.password("anna", "correct horse");
  CHECK(good.identity.kind == Kind::User);
  CHECK(good.identity.user == "anna");
  CHECK(good.identity.method == "password");
  const LoginResult wrong = accounts.password("anna", "wrong horse");
  CHECK(codeOf(wrong) == ErrorCode::Unauthenticated);
  CHECK(wrong.identity.kind == Kind::Nobody);
  accounts.made.reset();  // forgets the penalties
  CHECK(std::string(accounts.password("bob", "x").failure->what()) == wrong.failure->what());
  CHECK(std::string(accounts.password("eve", "correct horse").failure->what()) == wrong.failure->what());
}

TEST_CASE("a disabled or removed user does not get in, and is not itself any more") {
  Accounts accounts;
  const Identity anna = accounts.password("anna", "correct horse").identity;
  accounts.users.disable("anna", true);
  accounts.access().reload();
  CHECK(accounts.access().now(anna, kHere, nullptr)->kind == Kind::Nobody);
  CHECK(codeOf(accounts.password("anna", "correct horse")) == ErrorCode::Unauthenticated);
  accounts.users.disable("anna", false);
  accounts.access().reload();
  CHECK(accounts.access().now(anna, kHere, nullptr)->user == "anna");
}

TEST_CASE("a password that was changed is not let in from memory") {
  Accounts accounts;
  CHECK(accounts.password("anna", "correct horse").identity.kind == Kind::User);
  accounts.users.setPassword("anna", "another horse");
  accounts.access().reload();
  CHECK(codeOf(accounts.password("anna", "correct horse")) == ErrorCode::Unauthenticated);
  CHECK(accounts.password("anna", "another horse").identity.kind == Kind::User);
}

TEST_CASE("secrets are taken over TLS or on this machine only") {
  Accounts accounts;
  CHECK(codeOf(accounts.password("anna", "correct horse", {kAway, false, ""})) == ErrorCode::Forbidden);
  CHECK(accounts.password("anna", "correct horse", {kAway, true, std::string(32, 'b')}).identity.kind == Kind::User);
}

TEST_CASE("three failures make their source wait, right password or not, and no other source") {
  Accounts accounts;
  for (int i = 0; i < 3; ++i) CHECK(codeOf(accounts.password("anna", "wrong")) == ErrorCode::Unauthenticated);
  const LoginResult refused = accounts.password("anna", "correct horse");
  CHECK(codeOf(refused) == ErrorCode::RateLimited);
  CHECK(std::string(refused.failure->what()).find("try again in 15") != std::string::npos);
  CHECK(accounts.password("anna", "correct horse", {kAway, true, ""}).identity.kind == Kind::User);
}

TEST_CASE("a token lets its user in with its limits, until it ends or is removed") {
  Accounts accounts;
  UserCommands::TokenLimits limits;
  limits.verbs = {"get", "list"};
  limits.prefixes = {"pub"};
  const std::string token = accounts.users.addToken("anna", "ci", limits);
  CHECK(token.size() == 48);
  const LoginResult good = accounts.token(token);
  CHECK(good.identity.user == "anna");
  CHECK(good.identity.method == "token ci");
  REQUIRE(good.identity.scope);
  CHECK(good.identity.scope->verbs == limits.verbs);
  CHECK(codeOf(accounts.token(token + "x")) == ErrorCode::Unauthenticated);
  accounts.users.removeToken("anna", "ci");
  limits.until = thisMoment() - std::chrono::hours(1);
  const std::string old = accounts.users.addToken("anna", "old", limits);
  accounts.access().reload();
  CHECK(codeOf(accounts.token(token)) == ErrorCode::Unauthenticated);
  CHECK(codeOf(accounts.token(old)) == ErrorCode::Unauthenticated);
  CHECK(accounts.access().now(good.identity, kHere, nullptr)->kind == Kind::Nobody);
}

TEST_CASE("a token that ends while its connection is open is told as ended, and lets nobody do more") {
  Accounts accounts;
  const Moment end = accounts.time + std::chrono::hours(1);
  const std::string token = accounts.users.addToken("anna", "ci", {end, {}, {}});
  const Identity anna = accounts.token(token).identity;
  CHECK(anna.until == end);
  accounts.time = end - std::chrono::seconds(1);
  CHECK_FALSE(accounts.access().isOver(anna));
  CHECK(accounts.access().now(anna, kAway, nullptr)->user == "anna");
  accounts.time = end;
  CHECK(accounts.access().isOver(anna));
  const auto after = accounts.access().now(anna, kAway, nullptr);
  CHECK(after->kind == Kind::Nobody);
  CHECK(after->reason == "the token 'ci' ended at " + writeMoment(end));
  CHECK_FALSE(accounts.access().isOver(*after));
  CHECK_FALSE(accounts.access().isOver(accounts.password("anna", "correct horse").identity));
}

TEST_CASE("a key lets its user in for what was signed on this connection, and for nothing else") {
  Accounts accounts;
  const SecretKey mine = makeSecretKey();
  const SecretKey other = makeSecretKey();
  accounts.users.addKey("anna", writePublicKey(mine.publicKey()) + " anna@laptop");
  const std::string binding(32, 'b');
  const LoginLine line{kAway, true, binding};
  CHECK(accounts.key(mine, binding, line).identity.method == "key");
  CHECK(codeOf(accounts.key(mine, std::string(32, 'c'), line)) == ErrorCode::Unauthenticated);
  CHECK(codeOf(accounts.key(other, binding, line)) == ErrorCode::Unauthenticated);
  CHECK(codeOf(accounts.key(mine, "", {kAway, true, ""})) == ErrorCode::BadRequest);
  Credentials cut;
  cut.user = "anna";
  cut.key = mine.publicKey().bytes;
  cut.signature = mine.sign(loginMessage(LoginBinding::Exporter, binding, "anna")).substr(1);
  CHECK(codeOf(accounts.login(std::move(cut), line)) == ErrorCode::Unauthenticated);
}

TEST_CASE("a certificate and a user of the system are known without a log-in") {
  Accounts accounts;
  const std::string print = "SHA256:" + std::string(43, 'A');
  accounts.users.addLine("anna", "certificate", print);
  accounts.users.addLine("anna", "uid", "4711");
  const LineSecurity line = lineWith(print, accounts.time + std::chrono::hours(1));
  CHECK(accounts.access().initial(kAway, &line)->user == "anna");
  PeerInfo local = kHere;
  local.uid = 4711;
  CHECK(accounts.access().initial(local, nullptr)->method == "uid");
  local.uid = 4712;
  CHECK(accounts.access().initial(local, nullptr)->kind == Kind::Nobody);
  accounts.users.disable("anna", true);
  accounts.access().reload();
  CHECK(accounts.access().initial(kAway, &line)->kind == Kind::Nobody);
}

TEST_CASE("a certificate lets its user in while it is valid, and then its end is told") {
  Accounts accounts;
  accounts.users.addLine("anna", "certificate", "anna");
  const Moment end = accounts.time + std::chrono::hours(1);
  const LineSecurity line = lineWith("SHA256:" + std::string(43, 'A'), end);
  const auto anna = accounts.access().initial(kAway, &line);
  CHECK(anna->user == "anna");
  CHECK(anna->until == end);
  accounts.time = end;
  CHECK(accounts.access().isOver(*anna));
  const auto after = accounts.access().now(*anna, kAway, &line);
  CHECK(after->kind == Kind::Nobody);
  CHECK(after->reason == "the certificate 'CN=anna' lets nobody in: it ended at " + writeMoment(end));
}

TEST_CASE("why a client's certificate lets nobody in is told to it and to the log") {
  Accounts accounts;
  const std::string print = "SHA256:" + std::string(43, 'A');
  const Moment end = accounts.time + std::chrono::hours(1);
  const auto reasonOf = [&](const LineSecurity& line) {
    accounts.logged.clear();
    accounts.access().reportCertificate(kAway, line);
    const std::string reason = accounts.access().initial(kAway, &line)->reason;
    CHECK(accounts.logged.find("CN=anna") != std::string::npos);
    CHECK(accounts.logged.find(print) != std::string::npos);
    return reason.substr(std::min(reason.size(), reason.find(": ")));
  };
  CHECK(reasonOf(lineWith(print, end)) == ": no user has it");
  CHECK(reasonOf(lineWith(print, end, "nobody has signed it")) == ": nobody has signed it");
  CHECK(reasonOf(lineWith(print, accounts.time)) == ": it ended at " + writeMoment(accounts.time));
  accounts.time = Moment(std::chrono::seconds(1));
  CHECK(reasonOf(lineWith(print, end)) == ": it begins at 1970-01-01T01:00:00Z");
  accounts.time = thisMoment();
  accounts.users.addLine("anna", "certificate", "anna");
  accounts.users.disable("anna", true);
  accounts.access().reload();
  // Who has an account is told to the log alone.
  CHECK(reasonOf(lineWith(print, end)) == ": no user has it");
  CHECK(accounts.logged.find("the user is disabled") != std::string::npos);
  accounts.users.disable("anna", false);
  accounts.access().reload();
  accounts.logged.clear();
  const LineSecurity good = lineWith(print, end);
  accounts.access().reportCertificate(kAway, good);
  CHECK(accounts.access().initial(kAway, &good)->reason == "");
  CHECK(accounts.logged == "");
}

TEST_CASE("a users file that is broken, readable by others or gone changes nothing while serving, and is told once") {
  Accounts accounts;
  REQUIRE(accounts.access().hasAccounts());
  const std::uint64_t version = accounts.access().version();
  const auto stillThere = [&] {
    accounts.access().reloadIfChanged();
    return accounts.access().hasAccounts() && accounts.access().version() == version;
  };
  { std::ofstream(accounts.file) << "[user anna]\nnonsense\n"; }
  CHECK(stillThere());
  CHECK(accounts.logged.find(":2: ") != std::string::npos);
  { std::ofstream(accounts.file) << "[user bob]\n"; }
  fs::permissions(accounts.file, fs::perms(0644));
  CHECK_THROWS_WITH_AS(accounts.access().reload(), doctest::Contains("chmod 600"), ConfigError);
  fs::remove(accounts.file);
  CHECK(stillThere());
  const std::size_t told = accounts.logged.size();
  CHECK(stillThere());
  CHECK(accounts.logged.size() == told);
}

TEST_CASE("a users file that is empty, and one without users, open nothing that accounts had closed") {
  Accounts accounts;
  REQUIRE(accounts.access().hasAccounts());
  { const std::ofstream emptied(accounts.file); }
  accounts.access().reloadIfChanged();
  CHECK(accounts.access().hasAccounts());
  { std::ofstream(accounts.file) << "# nobody left\n"; }
  accounts.access().reload();
  CHECK_FALSE(accounts.access().hasAccounts());
  CHECK(accounts.access().initial(kHere, nullptr)->kind == Kind::Nobody);
}

TEST_CASE("who has logged in stays while what has let it in is in the file, and no longer") {
  Accounts accounts;
  const SecretKey secret = makeSecretKey();
  const std::string key = writePublicKey(secret.publicKey());
  accounts.users.addKey("anna", key);
  const std::string binding(kLoginBindingSize, 'b');
  const Identity byPassword = accounts.password("anna", "correct horse").identity;
  const Identity byKey = accounts.key(secret, binding, {kAway, true, binding}).identity;
  const auto kindOf = [&](const Identity& identity) { return accounts.access().now(identity, kHere, nullptr)->kind; };
  REQUIRE(kindOf(byPassword) == Kind::User);
  REQUIRE(kindOf(byKey) == Kind::User);
  accounts.users.setPassword("anna", "another horse");
  accounts.access().reload();
  CHECK(kindOf(byPassword) == Kind::Nobody);
  CHECK(kindOf(byKey) == Kind::User);
  accounts.users.removeKey("anna", key);
  accounts.access().reload();
  CHECK(kindOf(byKey) == Kind::Nobody);
}

TEST_CASE("what a server gets signed as its nonce lets nobody in over TLS") {
  Accounts accounts;
  const SecretKey secret = makeSecretKey();
  accounts.users.addKey("anna", writePublicKey(secret.publicKey()));
  const std::string exporter(kLoginBindingSize, 'e');
  Credentials stolen;
  stolen.user = "anna";
  stolen.key = secret.publicKey().bytes;
  stolen.signature = secret.sign(loginMessage(LoginBinding::Nonce, exporter, "anna"));
  CHECK(codeOf(accounts.login(std::move(stolen), {kAway, true, exporter})) == ErrorCode::Unauthenticated);
}

TEST_CASE("no secret gets into the log") {
  Accounts accounts;
  const std::string token = accounts.users.addToken("anna", "ci", {});
  accounts.password("anna", "canary-one");
  accounts.password("canary two!", "canary-three");
  accounts.token("ftpd_canary-four");
  accounts.made.reset();
  accounts.token(token);
  accounts.password("anna", "correct horse");
  CHECK(accounts.logged.find("login-failed") != std::string::npos);
  for (const std::string& secret : {std::string("canary"), token, token.substr(5, 10), std::string("horse")}) {
    CHECK(accounts.logged.find(secret) == std::string::npos);
  }
}

TEST_CASE("a token's folders are those that were named, and never two for one") {
  Accounts accounts;
  CHECK_THROWS_AS(accounts.users.addToken("anna", "ci", {.until = {}, .verbs = {}, .prefixes = {"a;b"}}), ConfigError);
  const std::string token = accounts.users.addToken("anna", "ci", {.until = {}, .verbs = {}, .prefixes = {"/pub/"}});
  CHECK(accounts.token(token).identity.scope->prefixes == std::vector<std::string>{"pub"});
}

TEST_CASE("a log-in that cannot be checked for want of memory is told so, also when there is none to log it") {
  Accounts accounts;
  std::atomic<bool> starving{false};
  Log log{LogLevel::Debug,
          LogFormat::Text,
          {[&](std::string_view) {
             if (starving) throw std::bad_alloc();
           },
           std::chrono::system_clock::now}};
  accounts.made = std::make_unique<Authenticator>(accounts.options(), log);
  starving = true;
  const LoginResult result = accounts.password("anna", "wrong");
  REQUIRE(result.failure);
  CHECK(result.failure->code() == ErrorCode::Internal);
  starving = false;
  CHECK_FALSE(accounts.password("anna", "correct horse").failure);
  accounts.made.reset();
}

TEST_CASE("users that cannot be taken for want of memory are logged once, and the users from before stay") {
  Accounts accounts;
  fs::remove(accounts.file);
  AccessOptions options = accounts.options();
  options.cost.memory = std::uint64_t{1} << 50;
  Authenticator access(options, accounts.log);
  accounts.users.add("anna", "correct horse");
  for (int i = 0; i < 3; ++i) access.reloadIfChanged();
  CHECK(access.countAccounts() == 0);
  const std::size_t first = accounts.logged.find("users-refused");
  CHECK(first != std::string::npos);
  CHECK(accounts.logged.find("users-refused", first + 1) == std::string::npos);
  CHECK_THROWS_AS(access.reload(), std::runtime_error);
}
