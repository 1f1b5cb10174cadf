// Folders of the client's own side: the walk through the source of a put, the bits and times of the target of a get.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "client/local/target_folder.h"
#include "client/transfer/local_walk.h"
#include "common/file_time.h"
#include "tests/client/transfer_fixture.h"

using namespace ft;

TEST_CASE("the walk finds every file, in batches, and tells what it leaves out") {
  const TestFolder folder;
  std::filesystem::create_directories(folder.path("d/e/f"));
  std::filesystem::create_directories(folder.path("empty/too"));
  for (const char* name : {"a", "d/b", "d/e/c", "d/e/f/g", ".hidden"}) folder.write(name, name);
  std::filesystem::create_symlink(folder.path(), folder.path("d/loop"));
  REQUIRE(::mkfifo(folder.path("d/pipe").c_str(), 0600) == 0);
  for (const std::size_t limit : {1U, 2U, 100U}) {
    RecordingObserver observer;
    LocalWalk walk(folder.path(), observer);
    std::vector<std::string> files;
    std::vector<std::string> empty;
    std::vector<std::string> unusual;
    for (;;) {
      const LocalBatch batch = walk.next(limit);
      if (batch.size() == 0) break;
      CHECK(batch.files.size() <= limit);
      for (const LocalFile& file : batch.files) files.push_back(file.relative);
      for (const LocalFolder& each : batch.folders) (each.empty ? empty : unusual).push_back(each.relative);
    }
    std::sort(files.begin(), files.end());
    CHECK(files == std::vector<std::string>{".hidden", "a", "d/b", "d/e/c", "d/e/f/g"});
    CHECK(empty == std::vector<std::string>{"empty/too"});
    CHECK(unusual == std::vector<std::string>{""});  // a temporary folder is private
    CHECK(observer.warnings.size() == 2);
    CHECK(observer.outcomes.empty());
  }
}

TEST_CASE("local folders that are made get their bits, and those that are there keep theirs") {
  const TestFolder folder;
  const mode_t before = ::umask(077);
  TargetFolder target = TargetFolder::open(folder.path("new/top"), FileName::parse("t"), 0775);
  target.folder(FileName::parse("t/a"), 0755);
  target.folder(FileName::parse("t/locked"), 0050);
  target.folder(FileName::parse("t/locked/in"), 0500);
  target.folder(FileName::parse("t/a"), 0711);
  target.folder(FileName::parse("t/none"));
  ::umask(before);
  const auto bits = [&](const std::string& name) {
    struct stat status {};
    REQUIRE(::lstat(folder.path(name).c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  CHECK(bits("new") == 0700);
  CHECK(bits("new/top") == 0775);
  CHECK(bits("new/top/a") == 0755);
  CHECK(bits("new/top/none") == 0700);
  CHECK(bits("new/top/locked") == 0750);
  CHECK(bits("new/top/locked/in") == 0700);
  target.finishModes();
  CHECK(bits("new/top/a") == 0755);
  CHECK(bits("new/top/locked") == 0050);
  REQUIRE(::chmod(folder.path("new/top/locked").c_str(), 0700) == 0);
  CHECK(bits("new/top/locked/in") == 0500);
  TargetFolder::open(folder.path("new/top"), FileName::parse("t"), 0700).folder(FileName::parse("t/a"), 0700);
  CHECK(bits("new/top") == 0775);
  CHECK(bits("new/top/a") == 0755);
}

TEST_CASE("the walk tells folders of unusual bits once, and before what is in them, whatever the batches") {
  const TestFolder folder;
  std::filesystem::create_directories(folder.path("d/e/none"));
  for (const char* name : {"a", "d/b", "d/e/c"}) folder.write(name, name);
  for (const auto& [name, mode] : {std::pair("d", 0700U), {"d/e", 0770U}, {"d/e/none", 0711U}, {"", 0755U}}) {
    REQUIRE(::chmod(folder.path(name).c_str(), mode) == 0);
  }
  for (const std::size_t limit : {1U, 2U, 100U}) {
    RecordingObserver observer;
    LocalWalk walk(folder.path(), observer);
    std::map<std::string, std::uint32_t> modes;
    std::set<std::string> empty;
    for (LocalBatch batch = walk.next(limit); batch.size() > 0; batch = walk.next(limit)) {
      for (const LocalFolder& each : batch.folders) {
        REQUIRE(each.mode);
        modes[each.relative] = *each.mode;
        if (each.empty) empty.insert(each.relative);
      }
      for (const LocalFile& file : batch.files) {
        const std::size_t slash = file.relative.rfind('/');
        CHECK((slash == std::string::npos || modes.contains(file.relative.substr(0, slash))));
      }
    }
    CHECK(modes == std::map<std::string, std::uint32_t>{{"d", 0700}, {"d/e", 0770}, {"d/e/none", 0711}});
    CHECK(empty == std::set<std::string>{"d/e/none"});
  }
}

TEST_CASE("the walk tells the time of a folder when all that is in it has been told, and of inner ones before") {
  const TestFolder folder;
  std::filesystem::create_directories(folder.path("d/e/none"));
  std::filesystem::create_directories(folder.path("x/y/z"));
  for (const char* name : {"a", "d/b", "d/e/c", "x/y/z/f", "x/g"}) folder.write(name, name);
  std::int64_t time = -3;
  for (const char* name : {"", "d", "d/e", "d/e/none", "x", "x/y", "x/y/z"}) {
    REQUIRE(::utimensat(AT_FDCWD, folder.path(name).c_str(), modifiedAt(++time).data(), 0) == 0);
  }
  for (const std::size_t limit : {1U, 2U, 3U, 5U, 100U}) {
    CAPTURE(limit);
    RecordingObserver observer;
    LocalWalk walk(folder.path(), observer);
    std::map<std::string, std::int64_t> times;
    const auto ended = [&](const std::string& name) {
      return std::any_of(times.begin(), times.end(),
                         [&](const auto& each) { return each.first.empty() || isBelow(name, each.first); });
    };
    for (LocalBatch batch = walk.next(limit); batch.size() > 0; batch = walk.next(limit)) {
      for (const LocalFile& file : batch.files) CHECK_FALSE(ended(file.relative));
      for (const LocalFolder& each : batch.folders) {
        if (each.empty) CHECK(each.mtimeNs == 1);
        CHECK_FALSE(ended(each.relative));
      }
      for (const LocalFolderTime& each : batch.finished) {
        CHECK_FALSE(ended(each.relative));
        times.emplace(each.relative, each.mtimeNs);
      }
    }
    CHECK(times ==
          std::map<std::string, std::int64_t>{{"", -2}, {"d", -1}, {"d/e", 0}, {"x", 2}, {"x/y", 3}, {"x/y/z", 4}});
  }
  const TestFolder empty;
  RecordingObserver observer;
  const LocalBatch batch = LocalWalk(empty.path(), observer).next(10);
  CHECK(batch.finished.size() == 1);
}

TEST_CASE("a local folder gets its time, through no link, and one that is gone is passed over") {
  const TestFolder folder;
  const TestFolder outside;
  TargetFolder target = TargetFolder::open(folder.path("top"), FileName::parse("t"));
  target.folder(FileName::parse("t/a/b"));
  std::filesystem::create_directory_symlink(outside.path(), folder.path("top/link"));
  const auto timeOfFolder = [](const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return nanoseconds(status.st_mtim);
  };
  const std::int64_t before = timeOfFolder(outside.path());
  target.setTime(FileName::parse("t/a/b"), 5);
  target.setTime(FileName::parse("t/a"), -1'500'000'000);
  target.setTime(FileName::parse("t"), 1'700'000'000'123'456'789);
  target.setTime(FileName::parse("t/gone/in"), 5);
  CHECK_THROWS_AS(target.setTime(FileName::parse("t/link"), 5), Failure);
  CHECK_THROWS_AS(target.setTime(FileName::parse("t/link/in"), 5), Failure);
  CHECK(timeOfFolder(folder.path("top/a/b")) == 5);
  CHECK(timeOfFolder(folder.path("top/a")) == -1'500'000'000);
  CHECK(timeOfFolder(folder.path("top")) == 1'700'000'000'123'456'789);
  CHECK(timeOfFolder(outside.path()) == before);
}
