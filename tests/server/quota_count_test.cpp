// What a home with a quota holds is counted whole, by whoever needs it first.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <future>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "server/access/tenancy_state.h"
#include "tests/server/tenancy_fixture.h"
#include "tests/support/no_descriptors.h"
#include "tests/support/scarce_memory.h"

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

TEST_CASE("a home and a user for whom there was no memory are no trouble to those that are looked through") {
  const TempFolder folder;
  DiskStorageOptions options;
  options.root = folder.path().string();
  std::vector<TenancyState::Root> roots;
  roots.push_back({"", options.root, std::make_unique<DiskStorage>(options)});
  TenancyState state(std::move(roots), std::make_shared<const AccessRules>());
  const std::string name(200, 'n');
  // The block that std::make_shared() takes: the object behind two counters and the table of the block.
  constexpr std::size_t kShared = 2 * sizeof(int) + sizeof(void*);
  {
    const ScarceMemory scarce(sizeof(QuotaArea) + kShared);
    CHECK_THROWS_AS(state.openArea(FileName::parse(name)), std::bad_alloc);
  }
  {
    const ScarceMemory scarce(sizeof(UserUse) + kShared);
    CHECK_THROWS_AS(state.useOf(userNamed(name)), std::bad_alloc);
  }
  state.doubtParts();
  state.setRules(std::make_shared<const AccessRules>());
  CHECK(state.openArea(FileName::parse(name))->used().bytes == 0);
  CHECK(state.useOf(userNamed(name))->connections == 0);
}

TEST_CASE("who needs a count that takes long is told to try again, and the count is right when it is there") {
  std::promise<void> begun, go;
  QuotaArea::Counters counters;
  counters.folder = [&] {
    begun.set_value();
    go.get_future().wait();
    return Usage{600, 1};
  };
  counters.parts = [](const auto&) { return Usage{}; };
  QuotaArea area(counters, std::chrono::milliseconds(1));
  const auto nothing = [](const Usage&) { return UsageChange(); };
  Usage counted;
  std::jthread counter([&] { counted = area.used(); });
  begun.get_future().wait();
  CHECK(failureOf([&] { area.promise({{1, 1}}, {}, FileName::parse("a")); }) == ErrorCode::Busy);
  CHECK(failureOf([&] { area.change({nothing, [] {}, QuotaLimits(), FileName::parse("a")}); }) == ErrorCode::Busy);
  area.addOwner("somebody");
  go.set_value();
  counter.join();
  CHECK(counted.bytes == 600);
  CHECK(area.used().bytes == 600);
}

TEST_CASE("a count that others wait for holds two threads at most, and none that can ask again") {
  std::promise<void> begun, go;
  const std::shared_future<void> gone = go.get_future().share();
  QuotaArea::Counters counters;
  counters.folder = [&, first = true]() mutable {
    if (std::exchange(first, false)) begun.set_value();
    gone.wait();
    return Usage{600, 1};
  };
  counters.parts = [](const auto&) { return Usage{}; };
  QuotaArea area(counters, std::chrono::hours(1));
  const FileName name = FileName::parse("a");
  std::jthread counter([&] { area.used(); });
  begun.get_future().wait();
  CHECK_THROWS_AS(area.promise({{1, 1}}, {}, name), NotYet);
  CHECK_THROWS_AS(area.used(), NotYet);
  // Of three who do not ask again, one is refused; the others wait until it is counted.
  std::atomic<int> refused{0}, made{0};
  std::promise<void> oneIsRefused;
  std::vector<std::jthread> commits;
  for (int i = 0; i < 3; ++i) {
    commits.emplace_back([&] {
      const auto nothing = [](const Usage&) { return UsageChange(); };
      try {
        area.change({nothing, [&] { ++made; }, QuotaLimits(), name, true});
      } catch (const NotYet&) {
        if (refused++ == 0) oneIsRefused.set_value();
      }
    });
  }
  oneIsRefused.get_future().wait();
  go.set_value();
  commits.clear();
  CHECK(refused == 1);
  CHECK(made == 2);
}

TEST_CASE("what is removed while it is counted makes nobody count for ever, and is counted in the end") {
  int counts = 0;
  std::uint64_t there = 100;
  QuotaArea* counted = nullptr;
  bool removing = true;
  QuotaArea area({[&] {
                    ++counts;
                    if (removing) counted->lessen();
                    return Usage{there, 1};
                  },
                  [](const auto&) { return Usage{}; }, nullptr});
  counted = &area;
  const FileName name = FileName::parse("a");
  QuotaLimits limits;
  limits.bytes = 150;
  const auto oneByte = [](const Usage&) { return UsageChange{{1, 1}, {}}; };
  CHECK(area.promise({{50, 1}}, limits, name).promised().bytes == 50);
  area.change({oneByte, [] {}, limits, name});
  CHECK(counts == 1);
  // Only what does not fit is worth a count.
  CHECK(failureOf([&] { static_cast<void>(area.promise({{100, 1}}, limits, name)); }) == ErrorCode::Quota);
  CHECK(counts == 2);
  removing = false;
  there = 90;
  CHECK(area.promise({{60, 1}}, limits, name).promised().bytes == 60);
  CHECK(counts == 3);
  area.lessen();
  there = 60;
  const auto many = [](const Usage&) { return UsageChange{{90, 1}, {}}; };
  area.change({many, [] {}, limits, name});
  CHECK(counts == 4);
  area.lessen();
  there = 7;
  CHECK(area.used().bytes == 7);
}

TEST_CASE("what is in doubt again whenever it is counted is refused, and counted by the next") {
  int counts = 0;
  QuotaArea* counted = nullptr;
  QuotaArea area({[&] {
                    if (++counts < 3) counted->doubt();
                    return Usage{100, 1};
                  },
                  [](const auto&) { return Usage{}; }, nullptr});
  counted = &area;
  CHECK_THROWS_AS(area.used(), NotYet);
  CHECK(area.used().bytes == 100);
}

TEST_CASE("space for whose promise there was no memory is not promised") {
  QuotaArea area({[] { return Usage{}; }, [](const auto&) { return Usage{}; }, nullptr});
  const FileName name = FileName::parse("a");
  QuotaLimits limits;
  limits.bytes = 150;
  const std::string upload(200, 'u'), replaces(300, 'r');
  const QuotaWish wish{{150, 1}, upload, replaces, 10};
  static_cast<void>(area.promise({{1, 1}}, limits, name));
  // Of the names, and of a set's entry.
  for (const std::size_t size : {upload.size() + 1, replaces.size() + 1, 4 * sizeof(void*) + sizeof(std::string)}) {
    CAPTURE(size);
    {
      const ScarceMemory scarce(size);
      CHECK_THROWS_AS(static_cast<void>(area.promise(wish, limits, name)), std::bad_alloc);
    }
    CHECK(area.promise(wish, limits, name).promised().bytes == 140);
    CHECK(area.promise({{150, 1}}, limits, name).promised().bytes == 150);
  }
}

QuotaArea::Counters countersOf(std::function<Usage()> folder) {
  return {std::move(folder), [](const auto&) { return Usage{}; }, [](const auto&, Usage) {}};
}

TEST_CASE("while one of two homes is counted for what moves between them, the other can be used") {
  std::promise<void> begun, go;
  QuotaArea left(countersOf([] { return Usage{50, 2}; }));
  QuotaArea entered(countersOf([&] {
    begun.set_value();
    go.get_future().wait();
    return Usage{600, 1};
  }));
  const FileName name = FileName::parse("a");
  const auto measure = [](const Usage&) { return UsageChange{{40, 1}, {}}; };
  bool moved = false;
  std::jthread mover([&] {
    moved = QuotaArea::changeFrom({left, left.version(), {40, 1}}, &entered, {measure, [] {}, QuotaLimits(), name});
  });
  begun.get_future().wait();
  CHECK(left.used().bytes == 50);
  CHECK(left.promise({{1, 1}}, {}, name).promised().bytes == 1);
  go.set_value();
  mover.join();
  CHECK(moved);
  CHECK(left.used().bytes == 10);
  CHECK(entered.used().bytes == 640);
}

TEST_CASE("what has changed since it was counted does not move to another home") {
  QuotaArea left(countersOf([] { return Usage{50, 2}; }));
  QuotaArea entered(countersOf([] { return Usage{600, 1}; }));
  const FileName name = FileName::parse("a");
  const auto add = [](const Usage&) { return UsageChange{{5, 1}, {}}; };
  bool made = false;
  const QuotaArea::Leaving leaving{left, left.version(), {40, 1}};
  left.change({add, [] {}, QuotaLimits(), name});
  CHECK_FALSE(QuotaArea::changeFrom(leaving, &entered, {add, [&] { made = true; }, QuotaLimits(), name}));
  CHECK_FALSE(made);
  CHECK(left.used().bytes == 55);
}

TEST_CASE("a change that fails, for whatever reason, leaves the area free and in doubt") {
  Usage there{50, 2};
  QuotaArea area(countersOf([&] { return there; }));
  const auto none = [](const Usage&) -> UsageChange { throw std::bad_alloc(); };
  const auto some = [](const Usage&) { return UsageChange{{5, 1}, {}}; };
  const FileName name = FileName::parse("a");
  CHECK_THROWS_AS(area.change({none, [] {}, QuotaLimits(), name}), std::bad_alloc);
  there.bytes = 60;
  CHECK(area.used().bytes == 50);
  CHECK_THROWS_AS(area.change({some, [] { throw std::bad_alloc(); }, QuotaLimits(), name}), std::bad_alloc);
  CHECK(area.used().bytes == 60);
}

TEST_CASE("what the disk refuses as a whole makes nobody count again") {
  Tenants tenants("[user *]\nallow = homes/{user}: all\nhome = homes/{user}\nquota_bytes = 1000\n");
  const Hand anna = tenants.as("anna");
  anna.put("d/a", text(100));
  anna.put("b", text(100));
  // Written by another program, so it shows whether somebody counts.
  writeText(tenants.at("homes/anna/other"), text(900));
  CHECK(failureOf([&] { anna.put("b", text(200), false); }) == ErrorCode::Exists);
  CHECK(failureOf([&] { anna.rename("b", "d/a", false); }) == ErrorCode::Exists);
  CHECK(failureOf([&] { anna.remove("d"); }) == ErrorCode::IsDirectory);
  CHECK(failureOf([&] { anna.remove("none"); }) == ErrorCode::NotFound);
  CHECK(failureOf([&] { anna.mkdir("none/x"); }) == ErrorCode::NotFound);
  CHECK(failureOf([&] { anna.mkdir("b/x"); }) == ErrorCode::NotDirectory);
  anna.put("c", text(100));
}

TEST_CASE("memory that runs out before one file gets its name does not stop those that come with it") {
  Tenants tenants("[user *]\nallow = homes/{user}: all\nhome = homes/{user}\nquota_bytes = 1000\n");
  const Hand anna = tenants.as("anna");
  const std::string longFolder = std::string(250, 'f') + "/" + std::string(238, 'g');
  std::vector<CommitItem> items(2);
  const std::array<std::string, 2> names{longFolder + "/a", "b"};
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].upload = anna.storage->begin(Disk::spec(names[i], 1));
    items[i].upload->write(bytesOf("x"));
    items[i].digests = items[i].upload->finish();
  }
  {
    // The folder's name, with homes/anna before it, is looked for when it is counted which folders are missing.
    const ScarceMemory scarce(longFolder.size() + std::string("homes/anna/").size() + 1);
    anna.storage->commit(items);
    CHECK(scarce.wasMet());
  }
  REQUIRE(items[0].failure);
  CHECK(items[0].failure->code() == ErrorCode::Internal);
  CHECK_FALSE(items[1].failure);
  CHECK(anna.list("") == std::set<std::string>{"b"});
}

}  // namespace
}  // namespace ft::testing
