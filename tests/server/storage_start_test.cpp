// How a storage begins: the root, the lock, and what earlier runs have left.
#include <chrono>

#include "server/storage/rooted_folder.h"
#include "tests/server/disk_fixture.h"

namespace ft::testing {
namespace {

TEST_CASE("a missing root is made, for its owner alone, with its parents") {
  const TempFolder folder;
  DiskStorageOptions options;
  options.root = (folder.path() / "not/there/yet").string();
  const DiskStorage storage(options);
  CHECK((statOf(options.root).st_mode & 0777) == 0700);
  CHECK((statOf(fs::path(options.root) / ".ftpd/staging").st_mode & 0777) == 0700);
  CHECK(storage.usesOpenat2());
}

TEST_CASE("a second storage on the same root is refused with the root's name, and after the first has gone it starts") {
  Disk disk;
  const std::string message = messageOf([&] { DiskStorage(disk.options); });
  CHECK(message.find(disk.options.root) != std::string::npos);
  CHECK(message.find("another daemon") != std::string::npos);
  disk.restart();
  CHECK(disk.list("").empty());
}

TEST_CASE("a root that cannot be one is refused with its name") {
  const TempFolder folder;
  DiskStorageOptions options;
  options.root = (folder.path() / "file").string();
  writeText(options.root, "not a folder");
  CHECK(messageOf([&] { DiskStorage{options}; }).find(options.root) != std::string::npos);
  options.root = (folder.path() / "file/below").string();
  CHECK(messageOf([&] { DiskStorage{options}; }).find(options.root) != std::string::npos);
}

TEST_CASE("a state folder that is a link, or holds links, is refused") {
  const TempFolder folder;
  DiskStorageOptions options;
  options.root = (folder.path() / "root").string();
  fs::create_directories(folder.path() / "elsewhere");
  fs::create_directories(options.root);
  SUBCASE("the folder") { fs::create_symlink(folder.path() / "elsewhere", folder.path() / "root/.ftpd"); }
  SUBCASE("the staging folder") {
    fs::create_directory(folder.path() / "root/.ftpd");
    fs::create_symlink(folder.path() / "elsewhere", folder.path() / "root/.ftpd/staging");
  }
  SUBCASE("the lock") {
    fs::create_directory(folder.path() / "root/.ftpd");
    fs::create_symlink(folder.path() / "elsewhere/file", folder.path() / "root/.ftpd/lock");
  }
  for (const bool useOpenat2 : {true, false}) {
    options.useOpenat2 = useOpenat2;
    CHECK(messageOf([&] { DiskStorage{options}; }).find(".ftpd") != std::string::npos);
  }
  CHECK(fs::is_empty(folder.path() / "elsewhere"));
}

TEST_CASE("leftovers of earlier runs are removed, and nothing else") {
  Disk disk;
  disk.put("keep", "me");
  const PutSpec spec = disk.partSpec("part", 100);
  disk.resume(spec, DigestAlgorithm::Md5).upload->write(bytesOf("some"));
  disk.storage.reset();
  for (int i = 0; i < 300; ++i) writeText(disk.at(".ftpd/staging") / ("left" + std::to_string(i)), "x");
  writeText(disk.at(".ftpd/parts/empty"), "");
  {
    const UniqueFd fd(::open(disk.at(".ftpd/parts/reserved").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::write(fd.get(), "x", 1) == 1);
    if (::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, 8 << 20) == 0)
      CHECK(statOf(disk.at(".ftpd/parts/reserved")).st_blocks * 512 > 1 << 20);
  }
  disk.start();
  disk.storage->expireParts(std::chrono::minutes(1));  // where the machine is too slow for all of it at the start
  CHECK(disk.get("keep") == "me");
  CHECK(disk.staged() == 0);
  CHECK_FALSE(fs::exists(disk.at(".ftpd/parts/empty")));
  CHECK(statOf(disk.at(".ftpd/parts/reserved")).st_blocks * 512 < 1 << 20);
  CHECK(disk.resume(spec, DigestAlgorithm::Md5).upload->offset() == 4);
}

TEST_CASE("cleaning goes on later beside uploads, and does not take theirs") {
  Disk disk;
  disk.options.durability = DiskStorageOptions::Durability::Full;  // otherwise the file has no name yet
  disk.restart();
  auto upload = disk.storage->begin(disk.spec("a", 3));
  upload->write(bytesOf("abc"));
  StagingFolder other(::open(disk.at(".ftpd/staging").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  disk.storage->expireParts(std::chrono::seconds(5));
  CHECK_FALSE(disk.store(std::move(upload)).has_value());
  CHECK(disk.get("a") == "abc");
}

TEST_CASE("stale parts go at the start, fresh ones stay") {
  Disk disk;
  const PutSpec spec = disk.partSpec("a", 100);
  disk.resume(spec, DigestAlgorithm::Md5).upload->write(bytesOf("some"));
  disk.restart();
  CHECK(disk.parts() == 1);
  disk.options.partExpire = std::chrono::milliseconds(-10'000);
  disk.restart();
  CHECK(disk.parts() == 0);
}

TEST_CASE("without openat2 the same names are found by walking, and a mount point in the way is refused by both") {
  const UniqueFd top(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const bool useOpenat2 : {true, false}) {
    const RootedFolder root(UniqueFd(::dup(top.get())), useOpenat2);
    CHECK(root.usesOpenat2() == useOpenat2);
    CHECK(static_cast<bool>(root.open(FileName::parse("etc/passwd"), O_RDONLY)));
    CHECK(root.open(FileName::parse("proc/self"), O_RDONLY).error == EXDEV);
    CHECK(root.openFolder(FileName::parse("proc")).error == EXDEV);
    CHECK(root.open(FileName::parse("etc/none/x"), O_RDONLY).error == ENOENT);
  }
}

}  // namespace
}  // namespace ft::testing
