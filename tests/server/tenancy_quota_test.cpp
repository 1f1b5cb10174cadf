// Quotas: promised before the first byte, and never exceeded, whatever happens at the same time.
#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/tenancy_fixture.h"

using namespace ft;
using namespace ft::testing;

namespace {

const std::string kRules =
    "[user *]\nallow = homes/{user}: all\nhome = homes/{user}\nquota_bytes = 1000\nquota_files = 10\n"
    "[user admin]\nallow = /: all\nhome = offices\n";

const std::string kAging =
    "[root r]\npath = $/r\nmax_age = 1h\n[user *]\nallow = r/{user}: all\nhome = r/{user}\nquota_bytes = 1000\n";

std::string text(std::size_t size) { return std::string(size, 'x'); }

}  // namespace

TEST_CASE("a put that would go over the quota is refused before its first byte, with the numbers and the setting") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  anna.put("a", text(600));
  CHECK(failureOf([&] { anna.storage->begin(Disk::spec("b", 401)); }) == ErrorCode::Quota);
  CHECK(messageOf([&] { anna.storage->begin(Disk::spec("b", 401)); }) ==
        "no space for 'b': 401 bytes (401 B) more are needed, and of the 1000 bytes (1000 B) of [user *] quota_bytes "
        "(f.conf:4) 600 are used; remove something");
  CHECK(failureOf([&] { anna.storage->resume(Disk::partSpec("b", 401), DigestAlgorithm::Xxh128); }) ==
        ErrorCode::Quota);
  anna.put("b", text(400));
  CHECK(failureOf([&] { anna.put("c", "x"); }) == ErrorCode::Quota);
  anna.put("c", "");
  tenants.as("bert").put("a", text(1000));
}

TEST_CASE("what is promised to one upload cannot be promised to another, and comes back when it is given up") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  const Hand again = tenants.as("anna");
  auto upload = anna.storage->begin(Disk::spec("a", 700));
  CHECK(failureOf([&] { again.storage->begin(Disk::spec("b", 301)); }) == ErrorCode::Quota);
  const auto fits = again.storage->begin(Disk::spec("b", 300));
  CHECK(failureOf([&] { again.storage->begin(Disk::spec("c", 1)); }) == ErrorCode::Quota);
  upload.reset();
  again.put("c", text(700));
}

TEST_CASE("a body of unknown length is cut at the quota") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  anna.put("a", text(400));
  auto stream = anna.storage->begin(Disk::spec("b", std::nullopt));
  stream->write(bytesOf(text(600)));
  CHECK(failureOf([&] { stream->write(bytesOf("x")); }) == ErrorCode::Quota);
  CHECK_FALSE(anna.store(std::move(stream)).has_value());
  CHECK(bytesBelow(tenants.at("homes/anna")) == 1000);
}

TEST_CASE("replacing costs the difference, removing and renaming give back and move what is counted") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  anna.put("d/a", text(900));
  anna.put("d/a", text(1000));
  anna.put("d/a", text(300));
  anna.put("b", text(700));
  CHECK(failureOf([&] { anna.put("c", "x"); }) == ErrorCode::Quota);
  anna.rename("d/a", "b");
  anna.put("c", text(700));
  CHECK(failureOf([&] { anna.put("e", "x"); }) == ErrorCode::Quota);
  anna.remove("c");
  anna.rename("d", "f/g");
  anna.put("f/g/c", text(700));
  anna.remove("f", true);
  anna.put("c", text(700));
  CHECK(bytesBelow(tenants.at("homes/anna")) == 1000);
}

TEST_CASE("files and folders count, and those that a put makes on its way too") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  anna.mkdir("a/b/c", true);
  anna.put("d/e/f", "");
  CHECK(entriesBelow(tenants.at("homes/anna")) == 6);
  for (const char* const name : {"1", "2", "3"}) anna.put(name, "");
  CHECK(failureOf([&] { anna.put("x/y", ""); }) == ErrorCode::Quota);
  CHECK(failureOf([&] { anna.mkdir("x/y", true); }) == ErrorCode::Quota);
  anna.remove("1");
  anna.remove("x", true);
  anna.put("x/y", "");
  CHECK(entriesBelow(tenants.at("homes/anna")) == 10);
  CHECK(failureOf([&] { anna.mkdir("z"); }) == ErrorCode::Quota);
  anna.put("x/y", "again");
}

TEST_CASE("a folder that is named twice in a mkdir of many counts once") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  const std::vector<FolderToMake> folders{{Hand::name("a")},
                                          {Hand::name("a/b"), std::nullopt, 5},
                                          {Hand::name("a"), std::nullopt, 6},
                                          {Hand::name("a/b"), std::nullopt, 7}};
  CHECK_FALSE(anna.storage->makeFolders(folders));
  for (int i = 0; i < 8; ++i) anna.mkdir(std::to_string(i));
  CHECK(failureOf([&] { anna.mkdir("8"); }) == ErrorCode::Quota);
  CHECK(entriesBelow(tenants.at("homes/anna")) == 10);
}

TEST_CASE("folders that go away while they get their times are counted when that makes them again") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  const Hand other = tenants.as("anna");
  std::vector<FolderToMake> folders;
  for (int i = 0; i < 5; ++i) folders.push_back({Hand::name(std::to_string(i)), std::nullopt, 5});
  std::atomic<bool> over{false};
  std::jthread remover([&] {
    while (!over) {
      for (const FolderToMake& folder : folders)
        failureOf([&] { other.storage->remove(folder.name, false, kNoHurry); });
    }
  });
  for (int round = 0; round < 300; ++round) failureOf([&] { anna.storage->makeFolders(folders); });
  over = true;
  remover.join();
  static_cast<void>(anna.storage->makeFolders(folders));
  for (int i = 5; i < 10; ++i) anna.mkdir(std::to_string(i));
  CHECK(failureOf([&] { anna.mkdir("more"); }) == ErrorCode::Quota);
}

TEST_CASE("of several who make one folder at once, one has made it") {
  for (const char* const quota : {"", "quota_files = 10000\n"}) {
    CAPTURE(quota);
    Tenants tenants(std::string("[user *]\nallow = homes/{user}: all\nhome = homes/{user}\n") + quota);
    const Hand anna = tenants.as("anna");
    anna.mkdir("there");
    for (int round = 0; round < 100; ++round) {
      std::atomic<int> made{0}, there{0};
      {
        std::barrier begin(3);
        std::vector<std::jthread> makers;
        for (int i = 0; i < 3; ++i) {
          makers.emplace_back([&] {
            begin.arrive_and_wait();
            const auto failed = failureOf([&] { anna.mkdir(std::to_string(round)); });
            ++(failed == ErrorCode::Exists ? there : made);
          });
        }
      }
      REQUIRE(made == 1);
      REQUIRE(there == 2);
    }
    CHECK(failureOf([&] { anna.mkdir("there"); }) == ErrorCode::Exists);
  }
}

TEST_CASE("of many folders those are made that come before the first that may not be, or has no room") {
  Tenants tenants(kRules + "[user carl]\nallow = homes/carl: all; homes/carl/no: list; homes/carl/may/x: list\n");
  const Hand anna = tenants.as("anna");
  const auto make = [](const Hand& hand, std::string_view folder, const std::vector<std::string>& names) {
    return failureOf([&] { hand.storage->makeFolders(foldersBelow(Hand::name(folder), names)); });
  };
  anna.mkdir("there");
  const std::vector<std::string> many{"a", "b/c/d", "there", "a", "b", "e", "f", "g", "h", "i", "j"};
  CHECK(make(anna, "", many) == ErrorCode::Quota);
  CHECK(anna.list("") == std::set<std::string>{"a", "b", "e", "f", "g", "h", "i", "there"});
  CHECK(entriesBelow(tenants.at("homes/anna")) == 10);
  CHECK(messageOf([&] { anna.storage->makeFolders(foldersBelow(Hand::name(""), many)); }).find("'j'") !=
        std::string::npos);
  const Hand carl = tenants.as("carl");
  CHECK(make(carl, "may", {"a", "x/y", "b"}) == ErrorCode::Forbidden);
  CHECK(carl.list("may") == std::set<std::string>{"a"});
  CHECK(make(carl, "", {"c", "no", "d"}) == ErrorCode::Forbidden);
  carl.put("file", "");
  CHECK(make(carl, "", {"e", "file", "f"}) == ErrorCode::NotDirectory);
  CHECK(messageOf([&] {
          carl.storage->makeFolders(foldersBelow(Hand::name(""), std::vector<std::string>{"file/g"}));
        }) == "cannot make 'file/g': a part of the name is not a folder");
  CHECK(carl.list("") == std::set<std::string>{"c", "e", "file", "may"});
}

TEST_CASE("what was there at the start is counted, and what others put there counts too") {
  Tenants before("");
  writeText(before.at("homes/anna/old"), text(900));
  before.tenancy.reset();
  before.config = before.configOf(kRules);
  before.tenancy = std::make_unique<Tenancy>(before.config, before.log);
  const Hand anna = before.as("anna");
  CHECK(failureOf([&] { anna.put("a", text(101)); }) == ErrorCode::Quota);
  const Hand local = before.as(kLocalUser);
  local.put("homes/anna/b", text(90));
  CHECK(failureOf([&] { anna.put("a", text(11)); }) == ErrorCode::Quota);
  local.put("elsewhere", text(500));
  local.rename("elsewhere", "homes/anna/c");
  CHECK(failureOf([&] { anna.put("a", "x"); }) == ErrorCode::Quota);
  local.rename("homes/anna/c", "elsewhere");
  local.remove("homes/anna/old");
  anna.put("a", text(910));
  local.mkdir("folder");
  local.put("folder/x", text(5000));
  local.rename("folder", "homes/anna/folder");
  anna.remove("a");
  CHECK(failureOf([&] { anna.put("a", "x"); }) == ErrorCode::Quota);
}

TEST_CASE("an upload that counted on the file that it replaces does not go over when that is gone meanwhile") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  anna.put("a", text(1000));
  auto upload = anna.storage->begin(Disk::spec("a", 1000));
  upload->write(bytesOf(text(1000)));
  anna.rename("a", "b");
  const auto failure = anna.store(std::move(upload));
  REQUIRE(failure.has_value());
  CHECK(failure->code() == ErrorCode::Quota);
  CHECK(bytesBelow(tenants.at("homes/anna")) == 1000);
}

TEST_CASE("what a file gives back that is replaced is promised once, to the first that is to take its place") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  const Hand again = tenants.as("anna");
  anna.put("a", text(700));
  auto first = anna.storage->begin(Disk::spec("a", 800));
  CHECK(failureOf([&] { again.storage->begin(Disk::spec("a", 201)); }) == ErrorCode::Busy);
  CHECK(failureOf([&] { again.storage->resume(Disk::partSpec("a", 201), DigestAlgorithm::Xxh128); }) ==
        ErrorCode::Busy);
  // Nor would that fit with what 'a' gives back.
  CHECK(failureOf([&] { again.storage->begin(Disk::spec("a", 1000)); }) == ErrorCode::Quota);
  CHECK_FALSE(failureOf([&] { again.storage->begin(Disk::spec("a", 200)); }));
  CHECK_FALSE(failureOf([&] { again.storage->begin(Disk::spec("b", 200)); }));
  first.reset();
  auto second = again.storage->begin(Disk::spec("a", 900));
  CHECK(failureOf([&] { anna.put("a", text(300)); }) == ErrorCode::Busy);
  second->write(bytesOf(text(900)));
  CHECK_FALSE(again.store(std::move(second)));
  anna.put("a", text(1000));
  CHECK(bytesBelow(tenants.at("homes/anna")) == 1000);
}

TEST_CASE("many uploads in the place of one large file never stage more than the quota holds beside it") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  anna.put("a", text(900));
  std::vector<std::unique_ptr<Upload>> staged;
  std::uint64_t bytes = 0;
  for (int i = 0; i < 20; ++i) {
    try {
      staged.push_back(anna.storage->begin(Disk::spec("a", 900)));
      staged.back()->write(bytesOf(text(900)));
      bytes += 900;
    } catch (const Failure& failure) {
      CHECK(failure.code() == ErrorCode::Busy);
    }
  }
  CHECK(bytes == 900);
}

TEST_CASE("a look for old files that removes none leaves the count alone") {
  Tenants tenants(kAging);
  const Hand anna = tenants.as("anna");
  anna.put("a", text(100));
  // Written by another program, so it shows whether somebody counts.
  writeText(tenants.folder.path() / "r/anna/other", text(900));
  tenants.tenancy->expire();
  anna.put("b", text(100));
}

TEST_CASE("old files that are removed do not count any more") {
  Tenants tenants(kAging);
  tenants.config.access.roots.front().maxAge.value = std::chrono::milliseconds(1);
  tenants.tenancy->reload(tenants.config);
  const Hand anna = tenants.as("anna");
  anna.put("a", text(1000));
  // It is looked for a little at a time, and not before it is old enough.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (fs::exists(tenants.folder.path() / "r/anna/a") && std::chrono::steady_clock::now() < deadline) {
    tenants.tenancy->expire();
  }
  anna.put("b", text(1000));
}

TEST_CASE("segments of one file take no more of the quota than the file") {
  Tenants tenants(kRules);
  const Hand anna = tenants.as("anna");
  const Hand other = tenants.as("anna");
  auto whole = anna.storage->resume(Disk::partSpec("big", 1000), DigestAlgorithm::Xxh128);
  PutSpec spec = Disk::spec("big", 400);
  spec.segment = true;
  auto segment = other.storage->begin(spec);
  segment->write(bytesOf(text(400)));
  segment->finish();
  whole->append(*segment, 0, 400);
  CHECK(whole->offset() == 400);
  const Hand bert = tenants.as("bert");
  auto foreign = bert.storage->begin(spec);
  foreign->write(bytesOf(text(400)));
  foreign->finish();
  CHECK(failureOf([&] { whole->append(*foreign, 0, 400); }) == ErrorCode::Forbidden);
}

TEST_CASE("many hands at once never exceed the quota, and the count stays true") {
  Tenants tenants(kRules);
  const Hand first = tenants.as("anna");
  first.list("");
  const auto work = [&](unsigned seed) {
    const Hand anna = tenants.as("anna");
    std::mt19937 random(seed);
    const auto name = [&] { return std::string(random() % 2 == 0 ? "d/" : "") + std::to_string(random() % 6); };
    for (int i = 0; i < 400; ++i) {
      try {
        switch (random() % 8) {
          case 0: anna.remove(name()); break;
          case 1: anna.rename(name(), name()); break;
          case 2: anna.remove("d", true); break;
          case 3: anna.rename("d", "e"); break;
          case 4: anna.remove("e", true); break;
          default: anna.put(name(), text(random() % 500));
        }
      } catch (const Failure&) {
        // Refused, or somebody was quicker.
      }
    }
  };
  std::vector<std::thread> hands;
  for (unsigned i = 0; i < 4; ++i) hands.emplace_back(work, i + 1);
  for (std::thread& hand : hands) hand.join();
  const std::uint64_t bytes = bytesBelow(tenants.at("homes/anna"));
  const std::size_t entries = entriesBelow(tenants.at("homes/anna"));
  CHECK(bytes <= 1000);
  CHECK(entries <= 10);
  // Exactly what is left fits, and not a byte more.
  if (entries < 10) {
    CHECK(failureOf([&] { first.put("last", text(1001 - bytes)); }) == ErrorCode::Quota);
    first.put("last", text(1000 - bytes));
  }
}
