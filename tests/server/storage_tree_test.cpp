// Folders made, things removed and renamed, and the links that someone may have planted among them.
#include <atomic>
#include <chrono>
#include <thread>

#include "server/storage/rooted_folder.h"
#include "server/storage/tree_remover.h"
#include "tests/server/disk_fixture.h"

namespace ft::testing {
namespace {

TEST_CASE("folders are made, with their parents when asked") {
  onBothLookups([](Disk& disk) {
    disk.storage->makeFolder({disk.name("a")}, false);
    CHECK(disk.storage->stat(disk.name("a")).type == FileType::Folder);
    CHECK((statOf(disk.at("a")).st_mode & 0777) == 0755);
    const auto make = [&](std::string_view name, bool parents) {
      return failureOf([&] { disk.storage->makeFolder({disk.name(name)}, parents); });
    };
    CHECK(make("a", false) == ErrorCode::Exists);
    CHECK(make("a", true) == std::nullopt);
    CHECK(make("", false) == ErrorCode::Exists);
    CHECK(make("", true) == std::nullopt);
    CHECK(make("x/y/z", false) == ErrorCode::NotFound);
    CHECK(make("x/y/z", true) == std::nullopt);
    CHECK(fs::is_directory(disk.at("x/y/z")));
    disk.put("file", "x");
    CHECK(make("file", false) == ErrorCode::Exists);
    CHECK(make("file", true) == ErrorCode::NotDirectory);
    CHECK(make("file/sub", true) == ErrorCode::NotDirectory);
  });
}

TEST_CASE("many folders are made in one call, under every durability, and a bad name makes none") {
  for (const auto durability : {DiskStorageOptions::Durability::Full, DiskStorageOptions::Durability::None}) {
    Disk disk;
    disk.options.durability = durability;
    disk.restart();
    std::vector<std::string> names;
    for (int i = 0; i < 150; ++i) names.push_back("p" + std::to_string(i % 100) + "/c" + std::to_string(i));
    disk.storage->makeFolders(foldersBelow(disk.name("base/deep"), names));
    for (const std::string& name : names) CHECK(fs::is_directory(disk.at("base/deep/" + name)));
    disk.put("base/deep/file", "x");
    const std::vector<std::string> again{"p1", "p1/c1", "p2", "p1/new", "q/r", "q"};
    disk.storage->makeFolders(foldersBelow(disk.name("base/deep"), again));
    for (const std::string& name : again) CHECK(fs::is_directory(disk.at("base/deep/" + name)));
    for (const std::string name : {"file", "file/x"}) {
      const std::vector<std::string> blocked{"before", name, "behind"};
      CHECK(failureOf([&] { disk.storage->makeFolders(foldersBelow(disk.name("base/deep"), blocked)); }) ==
            ErrorCode::NotDirectory);
      CHECK(fs::is_directory(disk.at("base/deep/before")));
      CHECK_FALSE(fs::exists(disk.at("base/deep/behind")));
    }
    CHECK(disk.get("base/deep/file") == "x");
    const std::vector<std::string> bad{"fine", "../bad"};
    CHECK(failureOf([&] { disk.storage->makeFolders(foldersBelow(disk.name("base"), bad)); }) ==
          ErrorCode::NameInvalid);
    CHECK_FALSE(fs::exists(disk.at("base/fine")));
    const std::vector<std::string> reserved{".ftpd/x"};
    CHECK(failureOf([&] { disk.storage->makeFolders(foldersBelow(FileName::root(), reserved)); }) ==
          ErrorCode::NameInvalid);
  }
}

TEST_CASE("folders get the bits that are asked for, whatever the umask, and those that are there keep theirs") {
  for (const mode_t mask : {mode_t{022}, mode_t{077}, mode_t{0}}) {
    CAPTURE(mask);
    Disk disk;
    disk.options.umask = mask;
    disk.restart();
    const auto bits = [&](std::string_view name) { return statOf(disk.at(name)).st_mode & 07777; };
    const mode_t before = ::umask(mask);
    disk.storage->makeFolder({disk.name("a/b"), 0770}, true);
    disk.storage->makeFolder({disk.name("a/c"), 07055}, false);
    const std::vector<std::string> names{"b", "d", "d/e", "f/g"};
    const std::vector<std::uint32_t> modes{0700, 0711, 0, 0777};
    disk.storage->makeFolders(foldersBelow(disk.name("a"), names, modes));
    ::umask(before);
    CHECK(bits("a") == 0755);
    CHECK(bits("a/b") == 0770);
    CHECK(bits("a/c") == 0755);  // the daemon must be able to use it
    CHECK(bits("a/d") == 0711);
    CHECK(bits("a/d/e") == 0700);
    CHECK(bits("a/f") == 0755);
    CHECK(bits("a/f/g") == 0777);
    disk.storage->makeFolder({disk.name("a/b"), 0700}, true);
    CHECK(bits("a/b") == 0770);
    CHECK(disk.storage->storedMode(disk.name("x"), 07640) == 0640);
  }
}

TEST_CASE("several threads make the same many folders at once, under every durability") {
  for (const auto durability : {DiskStorageOptions::Durability::Full, DiskStorageOptions::Durability::None}) {
    Disk disk;
    disk.options.durability = durability;
    disk.restart();
    std::vector<std::string> names;
    for (int i = 0; i < 300; ++i) names.push_back("p" + std::to_string(i / 10) + "/q/c" + std::to_string(i));
    std::vector<std::jthread> threads;
    std::atomic<int> failures = 0;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        if (failureOf([&] { disk.storage->makeFolders(foldersBelow(disk.name("base/deep"), names)); })) ++failures;
      });
    }
    threads.clear();
    CHECK(failures == 0);
    for (const std::string& name : names) CHECK(fs::is_directory(disk.at("base/deep/" + name)));
  }
}

TEST_CASE("files, empty folders, and with their content other folders are removed") {
  onBothLookups([](Disk& disk) {
    disk.put("d/sub/deep/a", "x");
    for (int i = 0; i < 100; ++i) disk.put("d/sub" + std::to_string(i) + "/f", "y");
    disk.put("file", "z");
    const auto remove = [&](std::string_view name, bool recursive) {
      return failureOf([&] { disk.storage->remove(disk.name(name), recursive, kNoHurry); });
    };
    CHECK(remove("none", false) == ErrorCode::NotFound);
    CHECK(remove("none", true) == ErrorCode::NotFound);
    CHECK(remove("file/x", true) == ErrorCode::NotDirectory);
    CHECK(remove("", true) == ErrorCode::Forbidden);
    CHECK(remove("d", false) == ErrorCode::IsDirectory);
    CHECK(fs::exists(disk.at("d/sub/deep/a")));
    CHECK(remove("d/sub/deep/a", false) == std::nullopt);
    CHECK(remove("d/sub/deep", false) == std::nullopt);
    CHECK(remove("d", true) == std::nullopt);
    CHECK(remove("file", true) == std::nullopt);
    CHECK(disk.list("").empty());
  });
}

TEST_CASE("a tree that is deeper than descriptors allow is refused, one of any name's depth is removed") {
  Disk disk;
  const auto nest = [&](const std::string& top, std::size_t depth) {
    UniqueFd at(::open(disk.options.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    std::string leaf = top;
    for (std::size_t i = 0; i < depth; ++i, leaf = "d") {
      REQUIRE(::mkdirat(at.get(), leaf.c_str(), 0700) == 0);
      at = UniqueFd(::openat(at.get(), leaf.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
  };
  nest("fine", TreeRemover::kMaxDepth);
  CHECK(failureOf([&] { disk.storage->remove(disk.name("fine"), true, kNoHurry); }) == std::nullopt);
  nest("deep", TreeRemover::kMaxDepth + 1);
  CHECK(failureOf([&] { disk.storage->remove(disk.name("deep"), true, kNoHurry); }).has_value());
  CHECK(fs::exists(disk.at("deep")));
}

TEST_CASE("a removal that has little time goes on until the folder is gone") {
  Disk disk;
  for (int i = 0; i < 1000; ++i) {
    writeText(disk.at("tree/" + std::to_string(i % 3) + "/inner/" + std::to_string(i)), "x");
  }
  int calls = 1;
  while (!disk.storage->remove(disk.name("tree"), true, std::chrono::milliseconds(0)) && calls < 100) ++calls;
  CHECK(calls > 2);
  CHECK(calls < 100);
  CHECK_FALSE(fs::exists(disk.at("tree")));
}

TEST_CASE("files and folders are renamed, to new folders too, and replace only what they may") {
  onBothLookups([](Disk& disk) {
    const auto rename = [&](std::string_view from, std::string_view to, bool replace) {
      return failureOf([&] { disk.storage->rename(disk.name(from), disk.name(to), replace); });
    };
    disk.put("a", "a");
    disk.put("b", "b");
    disk.put("dir/inner", "i");
    fs::create_directory(disk.at("empty"));
    CHECK(rename("none", "x", true) == ErrorCode::NotFound);
    CHECK(rename("a", "b", false) == ErrorCode::Exists);
    CHECK(rename("a", "dir", true) == ErrorCode::IsDirectory);
    CHECK(rename("a", "dir", false) == ErrorCode::Exists);
    CHECK(rename("dir", "empty", true) == ErrorCode::IsDirectory);
    CHECK(rename("dir", "empty", false) == ErrorCode::Exists);
    CHECK(rename("dir", "b", true) == ErrorCode::NotDirectory);
    CHECK(rename("dir", "dir/sub", true) == ErrorCode::NameInvalid);
    CHECK(rename("dir", "dir/x/y", true) == ErrorCode::NameInvalid);
    CHECK(rename("a", "a", true) == ErrorCode::NameInvalid);
    CHECK(rename("", "x", true) == ErrorCode::Forbidden);
    CHECK(rename("a", "", true) == ErrorCode::IsDirectory);
    CHECK(rename("a", "b/c", true) == ErrorCode::NotDirectory);
    CHECK(disk.get("a") == "a");
    CHECK(disk.get("b") == "b");
    CHECK(rename("a", "b", true) == std::nullopt);
    CHECK(disk.get("b") == "a");
    CHECK(rename("b", "new/folder/b", false) == std::nullopt);
    CHECK(disk.get("new/folder/b") == "a");
    CHECK(rename("dir", "new/dir", true) == std::nullopt);
    CHECK(disk.get("new/dir/inner") == "i");
    CHECK(disk.list("") == std::set<std::string>{"empty", "new"});
  });
}

// Every kind of link that leads out of the root, around in it, or nowhere.
struct Planted {
  std::string name;
  fs::path target;
};

std::vector<Planted> plantLinks(const Disk& disk) {
  const fs::path outside = disk.folder.path() / "outside";
  writeText(outside / "canary", "canary");
  writeText(disk.at("inside/canary"), "canary");
  std::vector<Planted> links{{"absolute", outside},
                             {"up", "../outside"},
                             {"far-up", "../../../../../../../../.." + outside.string()},
                             {"inside-link", "inside"},
                             {"dangling", "nowhere"},
                             {"loop", "loop"},
                             {"self-fd", "/proc/self/fd"},
                             {"proc-root", "/proc/self/root" + outside.string()},
                             {"state", ".ftpd"},
                             {"file-absolute", outside / "canary"},
                             {"file-up", "../outside/canary"},
                             {"file-inside", "inside/canary"}};
  for (const Planted& link : links) fs::create_symlink(link.target, disk.at(link.name));
  return links;
}

void checkUnharmed(const Disk& disk) {
  CHECK(readText(disk.folder.path() / "outside/canary") == "canary");
  CHECK(Disk::count(disk.folder.path() / "outside") == 1);
  CHECK(readText(disk.at("inside/canary")) == "canary");
  CHECK(Disk::count(disk.at("inside")) == 1);
  CHECK(Disk::count(disk.at(".ftpd")) == 3);
}

TEST_CASE("no link is followed as the last part of a name, by anything") {
  onBothLookups([](Disk& disk) {
    for (const Planted& link : plantLinks(disk)) {
      CAPTURE(link.name);
      const FileName name = disk.name(link.name);
      CHECK(failureOf([&] { disk.storage->open(name); }) == ErrorCode::Forbidden);
      CHECK(failureOf([&] { disk.storage->begin(disk.spec(link.name, 1)); }) == ErrorCode::Forbidden);
      CHECK(failureOf([&] { disk.resume(disk.partSpec(link.name, 1), DigestAlgorithm::Md5); }) == ErrorCode::Forbidden);
      CHECK(failureOf([&] { disk.storage->list(name, "", {10, 1000}); }) == ErrorCode::Forbidden);
      CHECK(failureOf([&] { disk.storage->makeFolder({name}, true); }) == ErrorCode::Forbidden);
      CHECK(failureOf([&] { disk.storage->makeFolder({name}, false); }) == ErrorCode::Exists);
      CHECK(disk.storage->stat(name).type == FileType::Link);
      CHECK(disk.storage->statMany(FileName::root(), std::vector<std::string>{link.name})[0]->type == FileType::Link);
    }
    checkUnharmed(disk);
  });
}

TEST_CASE("no link is followed as a folder on the way, by anything") {
  onBothLookups([](Disk& disk) {
    disk.put("mine", "mine");
    for (const Planted& link : plantLinks(disk)) {
      CAPTURE(link.name);
      for (const std::string leaf : {"canary", "new", "staging"}) {
        const FileName name = disk.name(link.name + "/" + leaf);
        const std::vector<std::string> names{leaf};
        CHECK(failureOf([&] { disk.storage->open(name); }) == ErrorCode::Forbidden);
        CHECK(failureOf([&] { disk.storage->begin(disk.spec(name.text(), 1)); }) == ErrorCode::Forbidden);
        CHECK(failureOf([&] { disk.storage->stat(name); }) == ErrorCode::Forbidden);
        CHECK(failureOf([&] { disk.storage->list(name, "", {10, 1000}); }) == ErrorCode::Forbidden);
        CHECK(failureOf([&] { disk.storage->makeFolder({name}, true); }) == ErrorCode::Forbidden);
        CHECK(failureOf([&] { disk.storage->makeFolder({name}, false); }) == ErrorCode::Forbidden);
        CHECK(failureOf([&] { disk.storage->makeFolders(foldersBelow(name.parent(), names)); }) ==
              ErrorCode::Forbidden);
        CHECK(failureOf([&] { disk.storage->remove(name, true, kNoHurry); }) == ErrorCode::Forbidden);
        CHECK(failureOf([&] { disk.storage->rename(name, disk.name("x"), true); }) == ErrorCode::Forbidden);
        CHECK(failureOf([&] { disk.storage->rename(disk.name("mine"), name, true); }) == ErrorCode::Forbidden);
        CHECK(failureOf([&] { disk.storage->statMany(name.parent(), names); }) == ErrorCode::Forbidden);
        CHECK_FALSE(disk.storage->statMany(FileName::root(), std::vector<std::string>{name.text()})[0].has_value());
      }
    }
    CHECK(disk.get("mine") == "mine");
    checkUnharmed(disk);
  });
}

TEST_CASE("a link that is planted between the first byte and the commit is replaced or refused, never followed") {
  onBothLookups([](Disk& disk) {
    auto asLeaf = disk.storage->begin(disk.spec("leaf", 3));
    auto asParent = disk.storage->begin(disk.spec("parent/a", 3));
    asLeaf->write(bytesOf("123"));
    asParent->write(bytesOf("123"));
    const fs::path outside = disk.folder.path() / "outside";
    writeText(outside / "canary", "canary");
    fs::create_symlink(outside / "canary", disk.at("leaf"));
    fs::create_symlink(outside, disk.at("parent"));
    CHECK_FALSE(disk.store(std::move(asLeaf)).has_value());
    CHECK(readText(disk.at("leaf")) == "123");
    CHECK_FALSE(fs::is_symlink(disk.at("leaf")));
    const auto failure = disk.store(std::move(asParent));
    REQUIRE(failure.has_value());
    CHECK(failure->code() == ErrorCode::Forbidden);
    CHECK(readText(outside / "canary") == "canary");
    CHECK(Disk::count(outside) == 1);
  });
}

TEST_CASE("removing takes the link, never what it points to, alone and in a tree") {
  onBothLookups([](Disk& disk) {
    std::size_t count = 0;
    for (const Planted& link : plantLinks(disk)) {
      disk.storage->remove(disk.name(link.name), count++ % 2 == 0, kNoHurry);
      CHECK_FALSE(fs::is_symlink(disk.at(link.name)));
    }
    checkUnharmed(disk);
    fs::create_directory(disk.at("tree"));
    fs::create_symlink(disk.folder.path() / "outside", disk.at("tree/out"));
    fs::create_symlink("../inside", disk.at("tree/in"));
    disk.storage->remove(disk.name("tree"), true, kNoHurry);
    CHECK_FALSE(fs::exists(disk.at("tree")));
    checkUnharmed(disk);
  });
}

// Swaps a folder and a link to a place outside, as fast as it can.
class Flipper {
 public:
  explicit Flipper(const Disk& disk)
      : folder_(disk.at("flip")), link_(disk.at("other")), outside_(disk.folder.path() / "outside") {
    writeText(outside_ / "canary", "canary");
    fs::create_directory(folder_);
    fs::create_symlink(outside_, link_);
    thread_ = std::thread([this] {
      while (!stop_) {
        if (::renameat2(AT_FDCWD, folder_.c_str(), AT_FDCWD, link_.c_str(), RENAME_EXCHANGE) == 0) ++flips_;
        restore();
      }
    });
  }
  ~Flipper() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  long flips() const { return flips_; }
  void checkUnharmed() const {
    CHECK(readText(outside_ / "canary") == "canary");
    CHECK(Disk::count(outside_) == 1);
  }

 private:
  // What the storage has removed is planted anew.
  void restore() const {
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(folder_))) fs::create_directory(folder_, ignored);
    if (!fs::exists(fs::symlink_status(link_))) fs::create_symlink(outside_, link_, ignored);
  }

  fs::path folder_, link_, outside_;
  std::atomic<bool> stop_{false};
  std::atomic<long> flips_{0};
  std::thread thread_;
};

void actOnFlip(Disk& disk, unsigned i) {
  switch (i % 6) {
    case 0: disk.put("flip/canary", "mine!!"); break;
    case 1: {
      const std::string content = disk.get("flip/canary");
      CHECK(content == "mine!!");
      break;
    }
    case 2: disk.storage->rename(disk.name("flip/canary"), disk.name("flip/renamed"), true); break;
    case 3: disk.storage->makeFolder({disk.name("flip/new/folder")}, true); break;
    case 4: disk.storage->remove(disk.name("flip/renamed"), true, kNoHurry); break;
    default: disk.storage->remove(disk.name("flip"), true, kNoHurry); break;
  }
}

TEST_CASE("a folder that flips to a link and back never leads out of the root") {
  onBothLookups([](Disk& disk) {
    Flipper flipper(disk);
    // Until enough has happened of each, however busy the machine is.
    const auto begin = std::chrono::steady_clock::now();
    const auto past = [&](int milliseconds) {
      return std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(milliseconds);
    };
    unsigned done = 0;
    unsigned refused = 0;
    const auto enough = [&] { return flipper.flips() > 200 && done > 200 && refused > 50 && past(500); };
    for (unsigned i = 0; !enough() && !past(300'000); ++i) {
      try {
        actOnFlip(disk, i);
        ++done;
      } catch (const Failure&) {
        ++refused;
      }
    }
    flipper.stop();
    CHECK(flipper.flips() > 200);
    CHECK(done > 200);
    CHECK(refused > 50);
    flipper.checkUnharmed();
  });
}

}  // namespace
}  // namespace ft::testing
