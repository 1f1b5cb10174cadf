// What users see of the storage when rules, roots, homes, rates and ages decide.

#include "server/access/tenancy.h"

#include <doctest/doctest.h>

#include <thread>

#include "common/error.h"
#include "common/file_time.h"
#include "server/access/guarded_names.h"
#include "server/storage/disk_failure.h"
#include "tests/server/tenancy_fixture.h"

using namespace ft;
using namespace ft::testing;
using namespace std::chrono_literals;

namespace {

using Names = std::set<std::string>;

constexpr const char* kFlat =
    "[user anna]\nallow = /: read; mine: all; in: put; secret: none; old: put overwrite list get\n";

}  // namespace

TEST_CASE("without any rule this machine's own user sees the disk itself, down to the descriptor of a download") {
  Tenants tenants("");
  const Hand local = tenants.as(kLocalUser);
  local.put("a/b.txt", "text");
  CHECK(readText(tenants.at("a/b.txt")) == "text");
  CHECK(local.storage->open(Hand::name("a/b.txt"))->fd() >= 0);
  CHECK(local.list("") == Names{"a"});
}

TEST_CASE("what no rule allows is refused for every call, and nothing changes") {
  Tenants tenants("");
  writeText(tenants.at("a"), "old");
  fs::create_directory(tenants.at("d"));
  for (const Identity& identity : {userNamed("anna"), kAnonymousUser, Identity{}}) {
    const Hand hand = tenants.as(identity);
    const auto refused = identity.kind == Identity::Kind::Nobody ? ErrorCode::Unauthenticated : ErrorCode::Forbidden;
    CHECK(failureOf([&] { hand.put("a", "new"); }) == refused);
    CHECK(failureOf([&] { hand.storage->resume(Disk::partSpec("a", 5), DigestAlgorithm::Xxh128); }) == refused);
    CHECK(failureOf([&] { hand.get("a"); }) == refused);
    CHECK(failureOf([&] { hand.list(""); }) == refused);
    CHECK(failureOf([&] { hand.type("a"); }) == refused);
    CHECK(failureOf([&] { hand.mkdir("e"); }) == refused);
    CHECK(failureOf([&] { hand.mkdir("d", true); }) == refused);
    CHECK(failureOf([&] { hand.remove("a"); }) == refused);
    CHECK(failureOf([&] { hand.remove("d", true); }) == refused);
    CHECK(failureOf([&] { hand.rename("a", "b"); }) == refused);
    CHECK(failureOf([&] { hand.storage->setMode({Hand::name("a"), 0600}); }) == refused);
    const std::vector<std::string> names{"a"};
    CHECK(failureOf([&] { hand.storage->makeFolders(foldersBelow(Hand::name("x"), names)); }) == refused);
    CHECK_FALSE(hand.storage->statMany(FileName::root(), names)[0].has_value());
  }
  CHECK(readText(tenants.at("a")) == "old");
  CHECK(Disk::count(tenants.at("")) == 3);  // with .ftpd
}

TEST_CASE("lists and looks show what the rules let one see, and a hidden name reads like one that is not there") {
  Tenants tenants(kFlat);
  for (const char* const name : {"pub/a", "mine/b", "in/c", "secret/d", "old/e"}) writeText(tenants.at(name), "x");
  const Hand anna = tenants.as("anna");
  CHECK(anna.list("") == Names{"pub", "mine", "in", "old"});
  CHECK(failureOf([&] { anna.list("in"); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { anna.type("in/c"); }) == ErrorCode::NotFound);
  CHECK(failureOf([&] { anna.type("secret"); }) == ErrorCode::NotFound);
  CHECK(anna.type("in") == FileType::Folder);
  const auto says = [&](const char* name) {
    std::string text = messageOf([&] { anna.get(name); });
    return text.replace(text.find(name), std::string(name).size(), "?");
  };
  CHECK(says("secret/d") == says("pub/nothing-here"));
  const std::vector<std::string> names{"pub/a", "in/c", "secret/d"};
  const auto infos = anna.storage->statMany(FileName::root(), names);
  CHECK(infos[0].has_value());
  CHECK_FALSE(infos[1].has_value());
  CHECK_FALSE(infos[2].has_value());
}

TEST_CASE("a refusal names what was tried, the rule and its line") {
  Tenants tenants(kFlat);
  const Hand anna = tenants.as("anna");
  CHECK(messageOf([&] { anna.put("pub/a", "x"); }) ==
        "cannot store 'pub/a': not allowed by [user anna] allow '/: read' (f.conf:2)");
}

TEST_CASE("a file is replaced only where that is allowed, also by a rename and by one that came meanwhile") {
  Tenants tenants(kFlat);
  writeText(tenants.at("in/x"), "old");
  writeText(tenants.at("mine/x"), "old");
  const Hand anna = tenants.as("anna");
  CHECK(failureOf([&] { anna.put("in/x", "new"); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { anna.put("mine/x", "new", false); }) == ErrorCode::Exists);
  anna.put("mine/x", "new");
  CHECK(readText(tenants.at("mine/x")) == "new");
  auto upload = anna.storage->begin(Disk::spec("in/y", 3));
  upload->write(bytesOf("new"));
  writeText(tenants.at("in/y"), "old");
  const auto failure = anna.store(std::move(upload));
  REQUIRE(failure.has_value());
  CHECK(failure->code() == ErrorCode::Forbidden);
  CHECK(readText(tenants.at("in/y")) == "old");
  CHECK(readText(tenants.at("in/x")) == "old");

  Tenants renaming("[user anna]\nallow = /: rename list\n");
  writeText(renaming.at("a"), "a");
  writeText(renaming.at("b"), "b");
  const Hand other = renaming.as("anna");
  CHECK(failureOf([&] { other.rename("a", "b"); }) == ErrorCode::Forbidden);
  other.rename("a", "c");
  CHECK(readText(renaming.at("b")) == "b");
  CHECK(readText(renaming.at("c")) == "a");
}

TEST_CASE("a put makes folders only where that is allowed") {
  Tenants tenants("[user anna]\nallow = /: none; in: put; mine/deep: all\n");
  fs::create_directories(tenants.at("in"));
  const Hand anna = tenants.as("anna");
  anna.put("in/a", "x");
  CHECK(failureOf([&] { anna.put("in/new/a", "x"); }) == ErrorCode::Forbidden);
  CHECK_FALSE(fs::exists(tenants.at("in/new")));
  CHECK(failureOf([&] { anna.put("mine/deep/a", "x"); }) == ErrorCode::Forbidden);
  CHECK_FALSE(fs::exists(tenants.at("mine")));
  fs::create_directories(tenants.at("mine"));
  anna.put("mine/deep/er/a", "x");
  CHECK(readText(tenants.at("mine/deep/er/a")) == "x");
  // A folder that goes away while the bytes come is not made anew for one who may not.
  auto upload = anna.storage->begin(Disk::spec("in/b", 1));
  upload->write(bytesOf("x"));
  fs::remove_all(tenants.at("in"));
  CHECK(anna.store(std::move(upload)).has_value());
  CHECK_FALSE(fs::exists(tenants.at("in")));
}

TEST_CASE("folders are made step by step where the rules differ, and one that is there is no trouble") {
  Tenants tenants("[user anna]\nallow = /: list; a: list; a/b: all\n");
  const Hand anna = tenants.as("anna");
  CHECK(failureOf([&] { anna.mkdir("a/b/c", true); }) == ErrorCode::Forbidden);
  CHECK_FALSE(fs::exists(tenants.at("a")));
  fs::create_directory(tenants.at("a"));
  anna.mkdir("a/b/c", true);
  anna.mkdir("a", true);
  CHECK(failureOf([&] { anna.mkdir("a/b/c"); }) == ErrorCode::Exists);
  CHECK(failureOf([&] { anna.mkdir("a/b/x/y"); }) == ErrorCode::NotFound);
  const std::vector<std::string> names{"b/d", "b/e/f"};
  anna.storage->makeFolders(foldersBelow(Hand::name("a"), names));
  CHECK(fs::is_directory(tenants.at("a/b/e/f")));
}

TEST_CASE("a tree is removed but for what may not be, and a rename does not carry along what rules speak of") {
  Tenants tenants("[user anna]\nallow = /: all; d/keep: none; d/see: read\n");
  for (const char* const name : {"d/a", "d/keep/b", "d/see/c", "d/e/f", "other/x"}) writeText(tenants.at(name), "x");
  const Hand anna = tenants.as("anna");
  CHECK(failureOf([&] { anna.rename("d", "moved"); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { anna.rename("other", "d/keep/x"); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { anna.remove("d", true); }) == ErrorCode::Forbidden);
  CHECK(fs::exists(tenants.at("d/keep/b")));
  CHECK(fs::exists(tenants.at("d/see/c")));
  CHECK_FALSE(fs::exists(tenants.at("d/a")));
  CHECK_FALSE(fs::exists(tenants.at("d/e")));
  anna.remove("other", true);
  CHECK_FALSE(fs::exists(tenants.at("other")));
}

TEST_CASE("a home is the user's whole view, is made at first use, and is all that messages speak of") {
  Tenants tenants("[user *]\nallow = homes/{user}: all\nhome = homes/{user}\n");
  const Hand anna = tenants.as("anna");
  const Hand bert = tenants.as("bert");
  CHECK_FALSE(fs::exists(tenants.at("homes/anna")));
  CHECK(anna.list("").empty());
  anna.put("d/x", "anna's");
  bert.put("x", "bert's");
  CHECK(readText(tenants.at("homes/anna/d/x")) == "anna's");
  CHECK(anna.list("") == Names{"d"});
  CHECK(failureOf([&] { anna.get("homes/bert/x"); }) == ErrorCode::NotFound);
  CHECK(messageOf([&] { anna.get("d/y"); }) == "cannot read 'd/y': No such file or directory");
  CHECK(messageOf([&] { anna.list("nothing/there"); }).find("homes") == std::string::npos);
  CHECK(messageOf([&] { anna.rename("d", "d/e"); }).find("homes") == std::string::npos);
  CHECK(failureOf([&] { anna.remove("", true); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { anna.rename("", "x"); }) == ErrorCode::Forbidden);
  anna.rename("d/x", "e/y");
  CHECK(anna.get("e/y") == "anna's");
}

TEST_CASE("what a cut put has left is taken up by its own user only") {
  Tenants tenants("[user *]\nallow = /: all\n");
  const auto begin = [](const Hand& hand) {
    auto upload = hand.storage->resume(Disk::partSpec("big", 200'000), DigestAlgorithm::Xxh128);
    while (!upload->takeUp()) continue;
    return upload;
  };
  const Hand anna = tenants.as("anna");
  begin(anna)->write(bytesOf(patterned(150'000)));
  CHECK(begin(tenants.as("bert"))->offset() == 0);
  CHECK(begin(tenants.as(kLocalUser))->offset() == 0);
  auto again = begin(tenants.as("anna"));
  CHECK(again->offset() == 150'000);
  again->write(bytesOf(patterned(50'000)));
  CHECK_FALSE(anna.store(std::move(again)).has_value());
  CHECK(fs::file_size(tenants.at("big")) == 200'000);
}

TEST_CASE("roots are the folders at the top, each on its own disk with its own rules") {
  Tenants tenants(
      "[root pub]\npath = $/pub\nread_only = yes\nhide = *.key\n"
      "[root work]\npath = $/work\nmax_file_size = 5\nfile_mode = 0640\ndir_mode = 0750\numask = 027\n"
      "[root drop]\npath = $/drop\nwrite_only = yes\n");
  writeText(tenants.folder.path() / "pub/a.txt", "public");
  writeText(tenants.folder.path() / "pub/b.key", "hidden");
  const Hand local = tenants.as(kLocalUser);
  CHECK(local.list("") == Names{"drop", "pub", "work"});
  CHECK(local.type("") == FileType::Folder);
  CHECK(local.type("pub") == FileType::Folder);
  CHECK(local.list("pub") == Names{"a.txt"});
  CHECK(local.get("pub/a.txt") == "public");
  CHECK(failureOf([&] { local.get("pub/b.key"); }) == ErrorCode::NotFound);
  CHECK(failureOf([&] { local.put("pub/c", "x"); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { local.put("new", "x"); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { local.get("no/such"); }) == ErrorCode::NotFound);
  local.put("work/d/e", "12345");
  CHECK((statOf(tenants.folder.path() / "work/d/e").st_mode & 0777) == 0640);
  CHECK((statOf(tenants.folder.path() / "work/d").st_mode & 0777) == 0750);
  PutSpec loose = Disk::spec("work/loose", 1);
  loose.mode = 0777;
  auto upload = local.storage->begin(loose);
  upload->write(bytesOf("x"));
  CHECK_FALSE(local.store(std::move(upload)).has_value());
  CHECK((statOf(tenants.folder.path() / "work/loose").st_mode & 0777) == 0750);
  fs::permissions(tenants.folder.path() / "work/loose", fs::perms(0777));
  local.put("work/loose", "y");
  CHECK((statOf(tenants.folder.path() / "work/loose").st_mode & 0777) == 0750);
  const std::vector<std::string> folders{"open", "open/private"};
  const std::vector<std::uint32_t> modes{0777, 0};
  local.storage->makeFolders(foldersBelow(Hand::name("work/d"), folders, modes));
  CHECK((statOf(tenants.folder.path() / "work/d/open").st_mode & 0777) == 0750);
  CHECK((statOf(tenants.folder.path() / "work/d/open/private").st_mode & 0777) == 0700);
  local.storage->makeFolder({Hand::name("work/made/inner"), 0775}, true);
  CHECK((statOf(tenants.folder.path() / "work/made/inner").st_mode & 0777) == 0750);
  CHECK(local.storage->storedMode(Hand::name("work/d/e"), 0666) == 0640);
  CHECK(local.storage->storedMode(Hand::name("pub/a.txt"), 0666) == 0666);
  local.put("work/bits", "1");
  CHECK(local.storage->setMode({Hand::name("work/bits"), 0666}) == 0640);
  CHECK(failureOf([&] { local.storage->setMode({Hand::name("pub/a.txt"), 0600}); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { local.storage->setMode({Hand::name("work"), 0600}); }) == ErrorCode::IsDirectory);
  CHECK(failureOf([&] { local.put("work/f", "123456"); }) == ErrorCode::TooLarge);
  auto stream = local.storage->begin(Disk::spec("work/g", std::nullopt));
  CHECK(failureOf([&] { stream->write(bytesOf("123456")); }) == ErrorCode::TooLarge);
  CHECK(failureOf([&] { local.rename("work/d/e", "drop/e"); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { local.remove("work", true); }) == ErrorCode::Forbidden);
  local.put("drop/x", "x");
  CHECK(failureOf([&] { local.list("drop"); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { local.get("drop/x"); }) == ErrorCode::NotFound);
  CHECK(messageOf([&] { local.get("work/none/x"); }) == "cannot read 'work/none/x': No such file or directory");
  CHECK(messageOf([&] { local.get("work"); }) == "cannot read 'work': it is a folder");
}

TEST_CASE(
    "new files and folders belong to whom the root names, and a name that the system does not know ends the start") {
  const std::string own = std::to_string(::getgid());
  Tenants tenants("[root a]\npath = $/a\ngroup = " + own + "\n");
  tenants.as(kLocalUser).put("a/d/x", "x");
  CHECK(statOf(tenants.folder.path() / "a/d/x").st_gid == ::getgid());
  CHECK(messageOf([] { Tenants("[root a]\npath = $/a\nowner = no-such-user-here\n"); }) ==
        "f.conf:3: this system has no user 'no-such-user-here'");
}

TEST_CASE("uploads to several roots are committed together, each on its disk") {
  Tenants tenants("[root a]\npath = $/a\n[root b]\npath = $/b\n");
  const Hand local = tenants.as(kLocalUser);
  std::vector<CommitItem> items(4);
  const char* const names[] = {"a/1", "b/2", "a/3", "b/4"};
  for (std::size_t i = 0; i < 4; ++i) {
    items[i].upload = local.storage->begin(Disk::spec(names[i], 1));
    items[i].upload->write(bytesOf("x"));
    items[i].digests = items[i].upload->finish();
  }
  local.storage->commit(items);
  for (const CommitItem& item : items) CHECK_FALSE(item.failure.has_value());
  CHECK(local.list("a") == Names{"1", "3"});
  CHECK(local.list("b") == Names{"2", "4"});
}

TEST_CASE("new rules hold at once, for views that exist too, and new roots need a restart") {
  Tenants tenants("[user anna]\nallow = /: all\n");
  const Hand anna = tenants.as("anna");
  anna.put("a", "x");
  tenants.reload("[user anna]\nallow = /: read\n");
  CHECK(anna.get("a") == "x");
  CHECK(failureOf([&] { anna.put("b", "x"); }) == ErrorCode::Forbidden);
  CHECK_THROWS_AS(tenants.reload("[root a]\npath = $/a\n[user anna]\nallow = /: all\n"), ConfigError);
  CHECK(failureOf([&] { anna.put("b", "x"); }) == ErrorCode::Forbidden);
}

TEST_CASE("a failure of the disk is told by the sender's names, each in its place, and words stay as they are") {
  const FileName from = FileName::parse("home/anna/a");
  const FileName to = FileName::parse("home/anna/a/b");
  const Failure disk = failureAbout(ErrorCode::NameInvalid, {"'home/anna/a': cannot rename ", from, " to ", to, "!"});
  const Failure seen = retold(retold(disk, from, FileName::parse("a")), to, FileName::parse("a/b"));
  CHECK(seen.what() == std::string("'home/anna/a': cannot rename 'a' to 'a/b'!"));
  CHECK(seen.code() == ErrorCode::NameInvalid);
  CHECK(seen.mentions().empty());
  const Failure above = failureAbout(ErrorCode::NotFound, {"cannot open ", FileName::parse("home/anna")});
  CHECK(retold(above, from, FileName::parse("a")).what() == std::string("cannot open the root"));
}

TEST_CASE("connections and transfers of a user are counted, and given back") {
  Tenants tenants("[user anna]\nallow = /: all\nconnections = 2\ntransfers = 1\n");
  std::optional<Hand> first = tenants.as("anna");
  const Hand second = tenants.as("anna");
  CHECK(failureOf([&] { tenants.as("anna"); }) == ErrorCode::Busy);
  first.reset();
  const Hand third = tenants.as("anna");
  auto upload = second.storage->begin(Disk::spec("a", 1));
  CHECK(failureOf([&] { third.put("b", "x"); }) == ErrorCode::Busy);
  CHECK(messageOf([&] { third.put("b", "x"); }).find("[user anna] transfers (f.conf:4)") != std::string::npos);
  upload->write(bytesOf("x"));
  CHECK_FALSE(second.store(std::move(upload)).has_value());
  third.put("b", "x");
  const auto download = second.storage->open(Hand::name("a"));
  CHECK(failureOf([&] { third.get("a"); }) == ErrorCode::Busy);
}

TEST_CASE("all connections of a user share one rate, which follows the rules") {
  Tenants tenants("[user *]\nallow = /: all\nrate = 1000\n");
  const auto bucket = tenants.tenancy->rateOf(userNamed("anna"));
  CHECK(bucket == tenants.tenancy->rateOf(userNamed("anna")));
  CHECK(bucket != tenants.tenancy->rateOf(userNamed("bert")));
  CHECK(tenants.tenancy->rateOf(kLocalUser) == nullptr);
  const auto now = RateBucket::TimePoint() + std::chrono::hours(1);
  CHECK(bucket->take(5000, now) > now);
  tenants.reload("[user *]\nallow = /: all\n");
  CHECK(bucket->take(5000, now) <= now);
}

TEST_CASE("files that are over their root's age are removed, and younger ones stay") {
  Tenants tenants("[root drop]\npath = $/drop\nmax_age = 1h\n[root keep]\npath = $/keep\n");
  const Hand local = tenants.as(kLocalUser);
  local.put("drop/d/old", "x");
  local.put("keep/old", "x");
  tenants.tenancy->expire();
  CHECK(local.list("drop/d") == Names{"old"});
  DiskStorageOptions options;
  options.root = (tenants.folder.path() / "aged").string();
  DiskStorage disk(options);
  writeText(tenants.folder.path() / "aged/d/x", "x");
  CHECK(disk.removeOlderThan(std::chrono::hours(1), std::chrono::hours(1)));
  CHECK(fs::exists(tenants.folder.path() / "aged/d/x"));
  // In the future everything is old.
  CHECK(disk.removeOlderThan(-std::chrono::hours(1), std::chrono::hours(1)));
  CHECK_FALSE(fs::exists(tenants.folder.path() / "aged/d/x"));
  CHECK(fs::exists(tenants.folder.path() / "aged/.ftpd/lock"));
}

TEST_CASE("a file is as old as it is, and no fraction of a second older") {
  using Clock = std::chrono::system_clock;
  const Disk disk;
  for (bool judged = false; !judged;) {
    writeText(disk.at("a"), "x");
    const auto changed = Clock::time_point(std::chrono::nanoseconds(ft::nanoseconds(statOf(disk.at("a")).st_ctim)));
    if (changed - std::chrono::floor<std::chrono::seconds>(changed) < 500ms) continue;
    const auto age = std::chrono::ceil<std::chrono::milliseconds>(Clock::now() - changed) + 300ms;
    disk.storage->removeOlderThan(age, std::chrono::hours(1));
    judged = Clock::now() - age < changed;  // it was younger all the time, unless this process stood still
    if (judged) CHECK(fs::exists(disk.at("a")));
  }
}

TEST_CASE("a walk for old files goes on where its time was up, so it comes to the end of any tree") {
  Disk disk;
  for (const char* name : {"a/1", "a/b/2", "a/b/c/3", "d/4", "5"}) writeText(disk.at(name), "x");
  int calls = 1;
  while (!disk.storage->removeOlderThan(-std::chrono::hours(1), std::chrono::milliseconds(0)) && calls < 100) ++calls;
  CHECK(calls > 5);
  CHECK(calls < 100);
  for (const char* name : {"a/1", "a/b/2", "a/b/c/3", "d/4", "5"}) CHECK_FALSE(fs::exists(disk.at(name)));
  // And the next one begins anew.
  writeText(disk.at("a/6"), "x");
  CHECK(disk.storage->removeOlderThan(-std::chrono::hours(1), std::chrono::hours(1)));
  CHECK_FALSE(fs::exists(disk.at("a/6")));
}

TEST_CASE("old files that cannot be removed are a failure that is told, and stay") {
  Disk disk;
  writeText(disk.at("d/x"), "x");
  fs::remove(disk.at(".ftpd/staging"));
  const auto expire = [&] { disk.storage->removeOlderThan(-std::chrono::hours(1), std::chrono::hours(1)); };
  CHECK(messageOf(expire) == "some old files could not be removed: No such file or directory");
  CHECK(fs::exists(disk.at("d/x")));
}
