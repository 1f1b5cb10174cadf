// Rights as they are at the moment of a request, and at that of a file's naming.
#include <doctest/doctest.h>

#include "server/access/tenancy.h"
#include "tests/server/tenancy_fixture.h"

using namespace ft;
using namespace ft::testing;

namespace {

using Names = std::set<std::string>;

std::optional<ErrorCode> codeOf(const std::function<void()>& action) { return failureOf(action); }

}  // namespace

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
  CHECK(codeOf([&] { local.put("pub/b", "x"); }) == ErrorCode::Forbidden);
  none.tenancy->expire();
  CHECK_THROWS_AS(none.reload(rules), ConfigError);
  CHECK(codeOf([&] { local.put("pub/b", "x"); }) == ErrorCode::Forbidden);
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
