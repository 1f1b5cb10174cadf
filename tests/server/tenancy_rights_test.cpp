// Rights as they are at the moment of a request, and at that of a file's naming.
#include <doctest/doctest.h>

#include "common/error.h"
#include "server/access/tenancy.h"
#include "tests/server/tenancy_fixture.h"

using namespace ft;
using namespace ft::testing;

namespace {

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("a root without lists tells what is in it to who knows the name and may get it, and to nobody else") {
  Tenants tenants(
      "[root box]\npath = $/box\nlist = no\n[root drop]\npath = $/drop\nwrite_only = yes\n"
      "[user anna]\nallow = /: all\n[user bert]\nallow = box: put\n");
  for (const char* const name : {"box/d/a", "drop/d/a"}) writeText(tenants.folder.path() / name, "x");
  const Hand anna = tenants.as("anna");
  CHECK(anna.type("box/d/a") == FileType::File);
  CHECK(anna.type("box/d") == FileType::Folder);
  CHECK(anna.get("box/d/a") == "x");
  CHECK(failureOf([&] { anna.list("box"); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { anna.list("box/d"); }) == ErrorCode::NotFound);
  CHECK(failureOf([&] { anna.type("drop/d/a"); }) == ErrorCode::NotFound);
  CHECK(failureOf([&] { anna.get("drop/d/a"); }) == ErrorCode::NotFound);
  CHECK(failureOf([&] { tenants.as("bert").type("box/d/a"); }) == ErrorCode::NotFound);
}

TEST_CASE("a put under way is refused at its end when its user has lost the right meanwhile, and changes nothing") {
  const auto refused = [](const std::string& before, const std::string& after, const char* name) {
    CAPTURE(after);
    Tenants tenants(before);
    writeText(tenants.at("old"), "old");
    const Hand anna = tenants.as("anna");
    auto upload = anna.storage->begin(Disk::spec(name, 3));
    upload->write(bytesOf("new"));
    tenants.reload(after);
    const auto failure = anna.store(std::move(upload));
    CHECK(failure.has_value());
    CHECK(readText(tenants.at("old")) == "old");
    CHECK_FALSE(fs::exists(tenants.at("d")));
    CHECK(Disk::count(tenants.at(".ftpd/staging")) == 0);
    return failure ? failure->what() : std::string();
  };
  const std::string all = "[user anna]\nallow = /: all\n";
  CHECK(refused(all, "[user anna]\nallow = /: read\n", "a") ==
        "cannot store 'a': not allowed by [user anna] allow '/: read' (f.conf:2)");
  CHECK(refused(all, "[user anna]\nallow = /: read put mkdir\n", "old").find("replacing it is not allowed") !=
        std::string::npos);
  CHECK(refused(all, "[user anna]\nallow = /: overwrite\n", "d/a").find("storing a new one is not allowed") !=
        std::string::npos);
  refused(all, "[user anna]\nallow = /: put\n", "d/a");
  CHECK(refused(all, all + "home = homes\n", "a").find("has another place by now") != std::string::npos);
}

TEST_CASE("an offer is worth what the rules say at its put, and others who commit it need the right themselves") {
  Tenants tenants("[user anna]\nallow = /: all\n");
  const Hand anna = tenants.as("anna");
  auto offered = anna.storage->resume(Disk::partSpec("a", 3), DigestAlgorithm::Xxh128);
  anna.storage->recheck(*offered);
  offered->write(bytesOf("new"));
  const auto failure = tenants.as("bert").store(std::move(offered));
  REQUIRE(failure.has_value());
  CHECK(failure->code() == ErrorCode::Forbidden);
  offered = anna.storage->resume(Disk::partSpec("a", 3), DigestAlgorithm::Xxh128);
  tenants.reload("[user anna]\nallow = /: read\n");
  CHECK(failureOf([&] { anna.storage->recheck(*offered); }) == ErrorCode::Forbidden);
  CHECK_FALSE(fs::exists(tenants.at("a")));
}

TEST_CASE("a root that becomes read-only, or takes smaller files only, refuses what was begun before") {
  Tenants tenants("[root a]\npath = $/a\n");
  const Hand local = tenants.as(kLocalUser);
  const auto code = [&](const std::string& after) {
    tenants.reload("[root a]\npath = $/a\n");
    auto upload = local.storage->begin(Disk::spec("a/x", 6));
    upload->write(bytesOf("123456"));
    tenants.reload("[root a]\npath = $/a\n" + after);
    const auto failure = local.store(std::move(upload));
    return failure ? std::optional(failure->code()) : std::nullopt;
  };
  CHECK(code("read_only = yes\n") == ErrorCode::Forbidden);
  CHECK(code("max_file_size = 5\n") == ErrorCode::TooLarge);
  CHECK(code("hide = x\n") == ErrorCode::Forbidden);
  CHECK(code("hide = y\n") == std::nullopt);
}

TEST_CASE("who may overwrite and not put replaces what is there, in one step, and stores nothing new") {
  Tenants tenants("[user anna]\nallow = /: overwrite mkdir\n");
  writeText(tenants.at("a"), "old");
  writeText(tenants.at("b"), "old");
  const Hand anna = tenants.as("anna");
  anna.put("a", "new");
  CHECK(readText(tenants.at("a")) == "new");
  auto part = anna.storage->resume(Disk::partSpec("b", 3), DigestAlgorithm::Xxh128);
  part->write(bytesOf("new"));
  CHECK_FALSE(anna.store(std::move(part)).has_value());
  CHECK(readText(tenants.at("b")) == "new");
  CHECK(messageOf([&] { anna.put("c", "new"); }) ==
        "cannot store 'c': there is no file of that name to replace, and storing a new one is not allowed by [user "
        "anna] allow '/: overwrite mkdir' (f.conf:2)");
  CHECK(failureOf([&] { anna.put("d/c", "new"); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { anna.put("a", "newer", false); }) == ErrorCode::Forbidden);
  const auto afterwards = [&](const std::function<void()>& change) {
    writeText(tenants.at("a"), "old");
    auto upload = anna.storage->begin(Disk::spec("a", 3));
    upload->write(bytesOf("new"));
    fs::remove(tenants.at("a"));
    change();
    const auto failure = anna.store(std::move(upload));
    return failure ? std::optional(failure->code()) : std::nullopt;
  };
  CHECK(afterwards([] {}) == ErrorCode::Forbidden);
  CHECK_FALSE(fs::exists(tenants.at("a")));
  CHECK(afterwards([&] { fs::create_symlink("b", tenants.at("a")); }) == ErrorCode::Forbidden);
  CHECK(fs::is_symlink(tenants.at("a")));
  fs::remove(tenants.at("a"));
  CHECK(afterwards([&] { writeText(tenants.at("a/x"), "x"); }) == ErrorCode::IsDirectory);
  CHECK(readText(tenants.at("a/x")) == "x");
  CHECK_FALSE(fs::exists(tenants.at("d")));
  CHECK(Disk::count(tenants.at(".ftpd/staging")) == 0);
  CHECK(Disk::count(tenants.at(".ftpd/parts")) == 0);
}

TEST_CASE("a folder that is renamed to where its user may make none stays where it is") {
  Tenants tenants("[user anna]\nallow = a: all; b: rename put list\n");
  writeText(tenants.at("a/d/x"), "x");
  fs::create_directory(tenants.at("b"));
  const Hand anna = tenants.as("anna");
  CHECK(messageOf([&] { anna.rename("a/d", "b/d"); }) ==
        "cannot rename 'a/d' to 'b/d': it is a folder, and making one there is not allowed by [user anna] allow 'b: "
        "rename put list' (f.conf:2)");
  anna.rename("a/d/x", "b/x");
  anna.rename("a/d", "a/e");
  CHECK(fs::is_directory(tenants.at("a/e")));
}

TEST_CASE("a read-only root is served where nothing can be written, until it is to be written to") {
  Tenants none("");
  // As .ftpd cannot be made on a disk that cannot be written to.
  writeText(none.folder.path() / "pub/.ftpd", "in the way");
  writeText(none.folder.path() / "pub/a", "text");
  const std::string rules = "[root pub]\npath = $/pub\n";
  CHECK_THROWS_AS(Tenancy(none.configOf(rules), none.log), std::runtime_error);
  none.config = none.configOf(rules + "read_only = yes\n");
  none.tenancy = std::make_unique<Tenancy>(none.config, none.log);
  const Hand local = none.as(kLocalUser);
  CHECK(local.get("pub/a") == "text");
  CHECK(local.list("pub") == Names{"a"});
  CHECK(failureOf([&] { local.put("pub/b", "x"); }) == ErrorCode::Forbidden);
  none.tenancy->expire();
  CHECK_THROWS_AS(none.reload(rules), ConfigError);
  CHECK(failureOf([&] { local.put("pub/b", "x"); }) == ErrorCode::Forbidden);
}

TEST_CASE("a read-only root may be another daemon's, whose own folder is left alone") {
  Tenants first("[root pub]\npath = $/pub\n");
  const Hand writer = first.as(kLocalUser);
  auto upload = writer.storage->begin(Disk::spec("pub/a", 4));
  upload->write(bytesOf("text"));
  const Tenancy second(first.configOf("[root pub]\npath = $/pub\nread_only = yes\n"), first.log);
  CHECK_FALSE(writer.store(std::move(upload)).has_value());
  CHECK(first.as(kLocalUser).get("pub/a") == "text");
}

TEST_CASE("what may be removed of a folder with uneven rules is removed in steps, and what may not stays") {
  Tenants tenants("[user anna]\nallow = /: all; t/kept: list; t/d/key: list\n");
  const Hand anna = tenants.as("anna");
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(i);
    for (const std::string folder : {"t/", "t/d/", "t/e/f/", "t/kept/"}) writeText(tenants.at(folder + number), "x");
    writeText(tenants.at("t/d/key/" + number), "x");
  }
  int steps = 0;
  const auto remove = [&] {
    while (!anna.storage->remove(Hand::name("t"), true, std::chrono::milliseconds(0))) ++steps;
  };
  CHECK(failureOf([&] { remove(); }) == ErrorCode::Forbidden);
  CHECK(anna.list("t") == std::set<std::string>{"d", "kept"});
  CHECK(anna.list("t/d") == std::set<std::string>{"key"});
  CHECK(anna.list("t/d/key").size() == 20);
  CHECK(anna.list("t/kept").size() == 20);
  CHECK(steps > 10);
  tenants.reload("[user anna]\nallow = /: all; t/none: list\n");
  remove();
  CHECK_FALSE(fs::exists(tenants.at("t")));
}
