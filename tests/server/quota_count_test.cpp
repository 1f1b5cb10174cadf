// What a home with a quota holds is counted whole, by whoever needs it first.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <future>
#include <thread>

#include "server/access/tenancy_state.h"
#include "tests/server/tenancy_fixture.h"
#include "tests/support/no_descriptors.h"

namespace ft::testing {
namespace {

std::string text(std::size_t size) { return std::string(size, 'x'); }

// "a/a/…", so many parts.
std::string deep(std::size_t parts) {
  std::string name = "a";
  for (std::size_t i = 1; i < parts; ++i) name += "/a";
  return name;
}

TEST_CASE("what was moved to where no name reaches it counts all the same, after a new count too") {
  Tenants tenants("[user *]\nallow = homes/{user}: all\nhome = homes/{user}\nquota_bytes = 1000\n");
  const Hand anna = tenants.as("anna");
  anna.mkdir(deep(60), true);
  for (const std::string name : {"x", "y"}) {
    anna.put(name + "/1/2/3/4/5/big", text(400));
    anna.rename(name, deep(60) + "/" + name);
  }
  // Two levels that name nothing for each that does: what lies so deep can only be come to by a descriptor.
  anna.rename("a", deep(60).replace(0, 1, "b"));
  tenants.reload("[user *]\nallow = homes/{user}: all\nhome = homes/{user}\nquota_bytes = 1000\n");
  CHECK(failureOf([&] { anna.put("c", text(201)); }) == ErrorCode::Quota);
  anna.put("c", text(200));
}

TEST_CASE("a tree that is deeper than a count could hold folders open is counted whole") {
  const TempFolder folder;
  DiskStorageOptions options;
  options.root = folder.path().string();
  DiskStorage disk(options);
  UniqueFd at(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::string part(200, 'd');
  constexpr std::uint64_t kDepth = 400;
  for (std::uint64_t i = 0; i < kDepth; ++i) {
    REQUIRE(::mkdirat(at.get(), part.c_str(), 0700) == 0);
    REQUIRE(::mkdirat(at.get(), "beside", 0700) == 0);
    at.reset(::openat(at.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(at);
  }
  REQUIRE(::symlinkat("/", at.get(), "link") == 0);
  const UniqueFd file(::openat(at.get(), "\xff not a name", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(::ftruncate(file.get(), 1234) == 0);
  const Usage all = disk.usage(FileName::root(), {});
  CHECK(all.bytes == 1234);
  CHECK(all.files == 2 * kDepth + 2);
}

TEST_CASE("a name that cannot be formed in the whole tree keeps nobody from storing") {
  const std::string rules =
      "[root r]\npath = $/r\n[user *]\nallow = r/shared: all\nhome = r/shared\nquota_bytes = 1000\n";
  Tenants tenants(rules);
  const Hand eve = tenants.as("eve");
  const Hand bob = tenants.as("bob");
  bob.put("f", text(100));
  eve.mkdir(deep(50), true);
  eve.mkdir("y/" + deep(20), true);
  eve.rename("y", deep(50) + "/y");
  eve.mkdir("t");
  eve.remove("t", true);
  tenants.reload(rules);
  bob.put("g", text(900));
  CHECK(failureOf([&] { bob.put("h", "x"); }) == ErrorCode::Quota);
}

TEST_CASE("a home that cannot be counted for the moment does not count as empty") {
  const TempFolder folder;
  writeText(folder.path() / "homes/anna/d/a", text(600));
  DiskStorageOptions options;
  options.root = folder.path().string();
  std::vector<TenancyState::Root> roots;
  roots.push_back({"", options.root, std::make_unique<DiskStorage>(options)});
  TenancyState state(std::move(roots), std::make_shared<const AccessRules>());
  const auto area = state.openArea(FileName::parse("homes/anna"));
  area->addOwner("user anna");
  {
    const NoDescriptors none;
    CHECK(failureOf([&] { area->used(); }) == ErrorCode::Busy);
  }
  CHECK(area->used().bytes == 600);
}

TEST_CASE("who needs a count that takes long is told to try again, and the count is right when it is there") {
  std::promise<void> begun, go;
  QuotaArea::Counters counters;
  counters.folder = [&] {
    begun.set_value();
    go.get_future().wait();
    return Usage{600, 1};
  };
  counters.parts = [](const auto&) { return std::uint64_t{0}; };
  QuotaArea area(counters, std::chrono::milliseconds(1));
  Usage counted;
  std::jthread counter([&] { counted = area.used(); });
  begun.get_future().wait();
  CHECK(failureOf([&] { area.promise({1, 1}, {}, FileName::parse("a")); }) == ErrorCode::Busy);
  CHECK(failureOf([&] { QuotaArea::Change change(area); }) == ErrorCode::Busy);
  area.addOwner("somebody");
  go.set_value();
  counter.join();
  CHECK(counted.bytes == 600);
  CHECK(area.used().bytes == 600);
}

}  // namespace
}  // namespace ft::testing
