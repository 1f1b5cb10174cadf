#include "common/system_account.h"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace ft;

TEST_CASE("root is found by name and by number, and a user or group that there is not is none") {
  const auto root = findAccount("root");
  REQUIRE(root.has_value());
  CHECK(root->uid == 0);
  CHECK(root->gid == 0);
  CHECK_FALSE(root->home.empty());
  CHECK(findAccount(uid_t{0})->name == "root");
  CHECK(findGroup("root") == gid_t{0});
  CHECK_FALSE(findAccount("no-such-user-here").has_value());
  CHECK_FALSE(findAccount(uid_t{4'000'000'123}).has_value());
  CHECK_FALSE(findGroup("no-such-group-here").has_value());
  if (const auto own = ownAccount()) CHECK(own->uid == ::getuid());
}
