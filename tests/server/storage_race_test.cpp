// Files and folders that are stored while somebody else removes and renames the folders on their way.

#include <atomic>
#include <map>

#include "tests/server/disk_fixture.h"

namespace ft::testing {
namespace {

constexpr int kRounds = 200;

// Does `action` again and again, and counts how it ended; nullopt: well.
std::map<std::optional<ErrorCode>, int> outcomesOf(const std::function<void(int round)>& action) {
  std::map<std::optional<ErrorCode>, int> outcomes;
  for (int round = 0; round < kRounds; ++round) ++outcomes[failureOf([&] { action(round); })];
  return outcomes;
}

// `action` while others take the folder "d" away all the time.
std::map<std::optional<ErrorCode>, int> outcomesWhileRemoved(Disk& disk, const std::function<void(int round)>& action) {
  std::atomic<bool> over{false};
  const auto remove = [&] {
    for (int round = 0; !over; ++round) {
      const std::string other = "m" + std::to_string(round);
      failureOf([&] { disk.storage->remove(Disk::name("d"), true, kNoHurry); });
      failureOf([&] { disk.storage->rename(Disk::name("d"), Disk::name(other), true); });
      failureOf([&] { disk.storage->remove(Disk::name(other), true, kNoHurry); });
    }
  };
  std::thread remover(remove);
  auto outcomes = outcomesOf(action);
  over = true;
  remover.join();
  return outcomes;
}

// Whoever loses is to try again: nothing that it asked for was missing.
void checkOnlyBusy(std::map<std::optional<ErrorCode>, int> outcomes) {
  CHECK(outcomes[std::nullopt] > 0);
  CHECK(outcomes[std::nullopt] + outcomes[ErrorCode::Busy] == kRounds);
}

}  // namespace

TEST_CASE("a put whose folder goes away makes it again, and at last is busy") {
  onBothLookups([](Disk& disk) {
    checkOnlyBusy(outcomesWhileRemoved(disk, [&](int) { disk.put("d/e/f/x", "content"); }));
    CHECK(disk.staged() == 0);
  });
}

TEST_CASE("a mkdir whose parents go away makes them again, and at last is busy") {
  onBothLookups([](Disk& disk) {
    checkOnlyBusy(outcomesWhileRemoved(disk, [&](int) { disk.storage->makeFolder({Disk::name("d/e/f")}, true); }));
    checkOnlyBusy(outcomesWhileRemoved(disk, [&](int) {
      disk.storage->makeFolder({Disk::name("d/e/f"), 0700, 1}, true);
    }));
    const std::vector<FolderToMake> folders{
        {Disk::name("d/e")}, {Disk::name("d/e/a"), 0700, 1}, {Disk::name("d/e/b/c")}, {Disk::name("d/e/b/d")}};
    checkOnlyBusy(outcomesWhileRemoved(disk, [&](int) { disk.storage->makeFolders(folders); }));
  });
}

TEST_CASE("a rename whose new folder goes away makes it again, and at last is busy") {
  onBothLookups([](Disk& disk) {
    checkOnlyBusy(outcomesWhileRemoved(disk, [&](int) {
      writeText(disk.at("here"), "content");
      disk.storage->rename(Disk::name("here"), Disk::name("d/e/there"), true);
    }));
  });
}

TEST_CASE("a folder that must be there and is not is not_found, however often it is looked for") {
  onBothLookups([](Disk& disk) {
    PutSpec spec = disk.spec("fixed/new/a", 1);
    spec.naming.fixedFolders = 1;
    CHECK(failureOf([&] { disk.put(spec, "x"); }) == ErrorCode::NotFound);
    CHECK(failureOf([&] { disk.storage->makeFolder({Disk::name("no/folder")}, false); }) == ErrorCode::NotFound);
    CHECK(failureOf([&] { disk.storage->rename(Disk::name("no"), Disk::name("new/a"), true); }) == ErrorCode::NotFound);
  });
}

}  // namespace ft::testing
