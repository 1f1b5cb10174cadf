// Times of folders: on the disk, behind the gate, and as requests.

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "common/file_time.h"
#include "tests/server/tenancy_fixture.h"
#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

namespace ft::testing {
namespace {

std::int64_t timeOfFolder(const fs::path& path) { return nanoseconds(statOf(path).st_mtim); }

constexpr std::int64_t kTime = 1'700'000'000'123'456'789;

// Throws also the failure of a time.
void makeAll(Storage& storage, std::span<const FolderToMake> folders) {
  if (auto untimed = storage.makeFolders(folders)) throw std::move(*untimed);
}

TEST_CASE("folders get the times that are asked for, new ones and those that are there") {
  onBothLookups([](Disk& disk) {
    for (const auto durability : {DiskStorageOptions::Durability::Full, DiskStorageOptions::Durability::None}) {
      disk.options.durability = durability;
      disk.restart();
      const std::string top = durability == DiskStorageOptions::Durability::Full ? "full" : "none";
      const auto name = [&](const std::string& rest) { return disk.name(top + rest); };
      disk.storage->makeFolder({name(""), std::nullopt, 7}, false);
      CHECK(timeOfFolder(disk.at(top)) == 7);
      disk.put(top + "/there/file", "x");
      const std::vector<FolderToMake> folders{{name("/a/b"), 0700, -1},       {name("/a/c"), std::nullopt, 0},
                                              {name("/a"), 0711, kTime},      {name("/there"), 0700, kTime + 1},
                                              {name("/e"), std::nullopt, {}}, {name(""), std::nullopt, -kTime}};
      for (int again = 0; again < 2; ++again) {
        makeAll(*disk.storage, folders);
        CHECK(timeOfFolder(disk.at(top + "/a/b")) == -1);
        CHECK(timeOfFolder(disk.at(top + "/a/c")) == 0);
        CHECK(timeOfFolder(disk.at(top + "/a")) == kTime);
        CHECK(timeOfFolder(disk.at(top + "/there")) == kTime + 1);
        CHECK((statOf(disk.at(top + "/there")).st_mode & 0777) == 0755);
        CHECK(timeOfFolder(disk.at(top)) == -kTime);
      }
      disk.storage->makeFolder({name("/there"), std::nullopt, 5}, true);
      CHECK(timeOfFolder(disk.at(top + "/there")) == 5);
      CHECK(failureOf([&] {
              disk.storage->makeFolder({name("/there"), std::nullopt, 6}, false);
            }) == ErrorCode::Exists);
      CHECK(timeOfFolder(disk.at(top + "/there")) == 5);
    }
  });
}

TEST_CASE("any number is a time, as it is of a file") {
  Disk disk;
  for (const std::int64_t time : {INT64_MAX, INT64_MIN, std::int64_t{-1}}) {
    CAPTURE(time);
    PutSpec spec = Disk::spec("file", 1);
    spec.mtimeNs = time;
    auto upload = disk.storage->begin(spec);
    upload->write(bytesOf("x"));
    std::vector<CommitItem> items(1);
    items[0].digests = upload->finish();
    items[0].upload = std::move(upload);
    disk.storage->commit(items);
    REQUIRE_FALSE(items[0].failure);
    disk.storage->makeFolder({disk.name("folder"), std::nullopt, time}, true);
    CHECK(timeOfFolder(disk.at("folder")) == timeOfFolder(disk.at("file")));
  }
}

TEST_CASE("no link is followed to a folder that gets a time, and none gets one itself") {
  onBothLookups([](Disk& disk) {
    const TempFolder outside;
    fs::create_directory(outside.path() / "in");
    fs::create_directory(disk.at("real"));
    fs::create_directory_symlink(outside.path(), disk.at("out"));
    fs::create_directory_symlink("real", disk.at("inside"));
    const std::int64_t before = timeOfFolder(outside.path() / "in");
    const std::int64_t link = timeOfFolder(disk.at("inside"));
    for (const std::string_view name : {"out", "out/in", "inside"}) {
      CAPTURE(name);
      CHECK(failureOf([&] { disk.storage->makeFolder({disk.name(name), std::nullopt, 5}, true); }));
      const std::vector<FolderToMake> folders{{disk.name(name), std::nullopt, 5}};
      CHECK(failureOf([&] { makeAll(*disk.storage, folders); }));
    }
    CHECK(timeOfFolder(outside.path() / "in") == before);
    CHECK(timeOfFolder(disk.at("inside")) == link);
    CHECK(timeOfFolder(disk.at("real")) != 5);
  });
}

TEST_CASE(
    "setting the time of a folder needs what making it needs, and one that is refused keeps no other from its own") {
  Tenants tenants("[user anna]\nallow = /: list put; own: all; own/box: list put\n");
  for (const char* const name : {"d/x", "own/e/x", "own/box/x"}) writeText(tenants.at(name), "x");
  const Hand anna = tenants.as("anna");
  const std::int64_t before = timeOfFolder(tenants.at("d"));
  const std::int64_t box = timeOfFolder(tenants.at("own/box"));
  CHECK(failureOf([&] { anna.storage->makeFolder({Hand::name("d"), std::nullopt, 5}, true); }) == ErrorCode::Forbidden);
  CHECK(messageOf([&] {
          anna.storage->makeFolder({Hand::name("own/box"), std::nullopt, 5}, true);
        }).find("set the time of 'own/box'") != std::string::npos);
  anna.storage->makeFolder({Hand::name("d")}, true);
  const std::vector<FolderToMake> folders{{Hand::name("d"), std::nullopt, 5},
                                          {Hand::name("own/e"), std::nullopt, 6},
                                          {Hand::name("own/box"), std::nullopt, 7},
                                          {Hand::name("own/new/in"), std::nullopt, 8},
                                          {Hand::name("own"), std::nullopt, 9}};
  CHECK(failureOf([&] { makeAll(*anna.storage, folders); }) == ErrorCode::Forbidden);
  CHECK(timeOfFolder(tenants.at("d")) == before);
  CHECK(timeOfFolder(tenants.at("own/box")) == box);
  CHECK(timeOfFolder(tenants.at("own/e")) == 6);
  CHECK(timeOfFolder(tenants.at("own/new/in")) == 8);
  CHECK(timeOfFolder(tenants.at("own")) == 9);
  const std::vector<FolderToMake> blocked{{Hand::name("e"), std::nullopt, 5}, {Hand::name("own"), std::nullopt, 10}};
  CHECK(failureOf([&] { makeAll(*anna.storage, blocked); }) == ErrorCode::Forbidden);
  CHECK(timeOfFolder(tenants.at("own")) == 9);
}

TEST_CASE("a root that is read only refuses times, and others are given theirs by name") {
  Tenants tenants("[root fixed]\npath = $/fixed\nread_only = yes\n[root work]\npath = $/work\n");
  const Hand local = tenants.as(kLocalUser);
  fs::create_directories(tenants.folder.path() / "fixed/d");
  const std::int64_t before = timeOfFolder(tenants.folder.path() / "fixed/d");
  const auto set = [&](const char* name) {
    return failureOf([&] { local.storage->makeFolder({Hand::name(name), std::nullopt, 5}, true); });
  };
  CHECK(set("fixed/d") == ErrorCode::Forbidden);
  CHECK(timeOfFolder(tenants.folder.path() / "fixed/d") == before);
  CHECK_FALSE(set("work").has_value());
  CHECK(timeOfFolder(tenants.folder.path() / "work") == 5);
}

TEST_CASE("mkdir sets the times of many folders, and of the one above them last") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  const auto timeOf = [&](std::string_view name) { return storage.stat(FileName::parse(name)).mtimeNs; };
  peer.sendFrame(R"({"v":1,"cmd":"mkdir","filename":"b","names":["x/y","x"],"mtimes_ns":[-5,6],"mtime_ns":7})");
  CHECK(peer.reply().ok == true);
  CHECK(timeOf("b/x/y") == -5);
  CHECK(timeOf("b/x") == 6);
  CHECK(timeOf("b") == 7);
  peer.sendFrame(R"({"v":1,"cmd":"mkdir","filename":"b","names":[],"mtime_ns":8})");
  CHECK(peer.reply().ok == true);
  CHECK(timeOf("b") == 8);
  peer.sendFrame(R"({"v":1,"cmd":"mkdir","filename":"b/x","parents":true,"mtime_ns":9223372036854775807})");
  CHECK(peer.reply().ok == true);
  CHECK(timeOf("b/x") == INT64_MAX);
  peer.sendFrame(R"({"v":1,"cmd":"list","filename":"b"})");
  CHECK(peer.reply().entries->at(0).mtimeNs == INT64_MAX);
}

TEST_CASE("times that are none, or not as many as the names, are refused and change nothing") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  for (const char* const keys :
       {R"("filename":"b","names":["x"],"mtimes_ns":[])", R"("filename":"b","names":["x"],"mtimes_ns":[1,2])",
        R"("filename":"b","mtimes_ns":[1])", R"("filename":"b","names":["x"],"mtimes_ns":[9223372036854775808])",
        R"("filename":"b","names":["x"],"mtimes_ns":["1"])", R"("filename":"b","names":["x"],"mtimes_ns":1)",
        R"("filename":"b","mtime_ns":1.5)", R"("names":["b"],"mtimes_ns":[1],"mtime_ns":5)"}) {
    CAPTURE(keys);
    peer.sendFrame(std::string(R"({"v":1,"cmd":"mkdir",)") + keys + "}");
    CHECK(peer.reply().error == "bad_request");
  }
  CHECK(testing::storedNames(storage, FileName::root()).empty());
}

TEST_CASE("what was put before on the connection has its names when a folder gets its time") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  std::string requests;
  for (int i = 0; i < 3; ++i) requests += frame(putJson("d/f" + std::to_string(i), 1)) + "x";
  peer.send(requests + frame(R"({"v":1,"cmd":"mkdir","filename":"d","parents":true,"mtime_ns":5})") +
            frame(putJson("d/late", 1)) + "x");
  for (int i = 0; i < 3; ++i) CHECK(peer.reply().cmd == "put");
  CHECK(peer.reply().cmd == "mkdir");
  CHECK(peer.reply().cmd == "put");
  CHECK(storage.commitGroups() == std::vector<std::size_t>{3, 1});
}

}  // namespace
}  // namespace ft::testing
