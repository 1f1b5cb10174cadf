// Permission bits that are changed where the file stays as it is.
#include "tests/server/disk_fixture.h"

namespace ft::testing {
namespace {

std::optional<ErrorCode> refused(Disk& disk, const std::string& name, const ModeChange& like = {}) {
  ModeChange change = like;
  change.name = Disk::name(name);
  return failureOf([&] { disk.storage->setMode(change); });
}

TEST_CASE("a stored file gets other permission bits, and nothing else of it changes") {
  for (const auto durability : {DiskStorageOptions::Durability::Full, DiskStorageOptions::Durability::None}) {
    Disk disk;
    disk.options.durability = durability;
    disk.restart();
    disk.put(Disk::partSpec("d/a", 3), "abc");
    const struct stat before = statOf(disk.at("d/a"));
    CHECK(disk.storage->setMode({Disk::name("d/a"), 0600}) == 0600);
    CHECK(disk.storage->setMode({Disk::name("d/a"), 0200}) == 0200);
    // Who may no longer read it may write it, which is enough.
    CHECK(disk.storage->setMode({Disk::name("d/a"), 07644}) == 0644);
    const struct stat after = statOf(disk.at("d/a"));
    CHECK((after.st_mode & 07777) == 0644);
    CHECK(after.st_ino == before.st_ino);
    CHECK(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
    CHECK(disk.get("d/a") == "abc");
  }
}

TEST_CASE("only the file that is meant gets other bits") {
  Disk disk;
  const PutSpec spec = Disk::partSpec("a", 3);
  disk.put(spec, "abc");
  CHECK(refused(disk, "a", {.mode = 0600, .size = 4}) == ErrorCode::Changed);
  CHECK(refused(disk, "a", {.mode = 0600, .mtimeNs = *spec.mtimeNs + 1}) == ErrorCode::Changed);
  CHECK((statOf(disk.at("a")).st_mode & 0777) == 0644);
  CHECK(disk.storage->setMode({Disk::name("a"), 0600, 3, spec.mtimeNs}) == 0600);
}

TEST_CASE("folders, links, special files, what has several names and what is not there keep their bits") {
  onBothLookups([](Disk& disk) {
    disk.put("d/a", "abc");
    disk.put("b", "abc");
    fs::create_symlink("b", disk.at("link"));
    fs::create_directory_symlink("d", disk.at("way"));
    fs::create_hard_link(disk.at("b"), disk.at("c"));
    REQUIRE(::mkfifo(disk.at("fifo").c_str(), 0644) == 0);
    CHECK(refused(disk, "d") == ErrorCode::IsDirectory);
    CHECK(refused(disk, "") == ErrorCode::IsDirectory);
    CHECK(refused(disk, "link") == ErrorCode::Forbidden);
    CHECK(refused(disk, "way/a") == ErrorCode::Forbidden);
    CHECK(refused(disk, "b") == ErrorCode::Forbidden);
    CHECK(refused(disk, "fifo") == ErrorCode::Forbidden);
    CHECK(refused(disk, "nothing") == ErrorCode::NotFound);
    CHECK(refused(disk, "d/a/x") == ErrorCode::NotDirectory);
    CHECK((statOf(disk.at("b")).st_mode & 0777) == 0644);
    CHECK((statOf(disk.at("d")).st_mode & 0777) == 0755);
  });
}

}  // namespace
}  // namespace ft::testing
