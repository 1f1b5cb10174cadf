// How files and folders get their names: where nothing was when they began, where somebody has been quicker, and where
// something else is.
#include <new>

#include "server/storage/folder_maker.h"
#include "tests/server/disk_fixture.h"
#include "tests/support/no_descriptors.h"
#include "tests/support/refused_calls.h"

namespace ft::testing {
namespace {

TEST_CASE("of uploads that found a name free, the last one has it, and none where nothing is to be replaced") {
  for (const auto durability : {DiskStorageOptions::Durability::Full, DiskStorageOptions::Durability::None}) {
    Disk disk;
    disk.options.durability = durability;
    disk.restart();
    PutSpec careful = disk.spec("new/a", 5);
    careful.naming.replace = false;
    std::vector<std::unique_ptr<Upload>> uploads;
    for (const PutSpec& spec : {disk.spec("new/a", 5), disk.spec("new/a", 6), careful}) {
      uploads.push_back(disk.storage->begin(spec));
      uploads.back()->write(bytesOf(std::string(*spec.size, static_cast<char>('0' + uploads.size()))));
    }
    CHECK_FALSE(fs::exists(disk.at("new")));
    CHECK_FALSE(disk.store(std::move(uploads[0])));
    CHECK(readText(disk.at("new/a")) == "11111");
    CHECK_FALSE(disk.store(std::move(uploads[1])));
    CHECK(readText(disk.at("new/a")) == "222222");
    const auto failure = disk.store(std::move(uploads[2]));
    REQUIRE(failure);
    CHECK(failure->code() == ErrorCode::Exists);
    CHECK(readText(disk.at("new/a")) == "222222");
    CHECK(statOf(disk.at("new/a")).st_nlink == 1);
    CHECK(disk.staged() == 0);
  }
}

TEST_CASE("a file that found its name free takes no folder's place, and is gone when it is given up") {
  Disk disk;
  auto upload = disk.storage->begin(disk.spec("a", 1));
  auto givenUp = disk.storage->begin(disk.spec("b", 1));
  upload->write(bytesOf("x"));
  givenUp->write(bytesOf("y"));
  fs::create_directory(disk.at("a"));
  givenUp.reset();
  const auto failure = disk.store(std::move(upload));
  REQUIRE(failure);
  CHECK(failure->code() == ErrorCode::IsDirectory);
  CHECK(disk.list("") == std::set<std::string>{"a"});
  CHECK(disk.staged() == 0);
}

TEST_CASE("a file for which memory runs out fails alone, and those before and behind it have their names") {
  struct Starving : NamingWatch {
    void naming(NamingTerms&, const std::function<void()>&) override { throw std::bad_alloc(); }
  };
  for (const auto durability : {DiskStorageOptions::Durability::Full, DiskStorageOptions::Durability::None}) {
    Disk disk;
    disk.options.durability = durability;
    disk.restart();
    Starving starving;
    std::vector<CommitItem> items(3);
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].upload = disk.storage->begin(disk.spec("file" + std::to_string(i), 1));
      items[i].upload->write(bytesOf("x"));
      items[i].digests = items[i].upload->finish();
    }
    items[1].watch = &starving;
    disk.storage->commit(items);
    CHECK_FALSE(items[0].failure);
    REQUIRE(items[1].failure);
    CHECK(items[1].failure->code() == ErrorCode::Internal);
    CHECK_FALSE(items[2].failure);
    CHECK(disk.list("") == std::set<std::string>{"file0", "file2"});
    CHECK(disk.staged() == 0);
  }
}

TEST_CASE("a file where a folder is needed is told from one that stands on the way") {
  onBothLookups([](Disk& disk) {
    disk.put("d/f", "x");
    fs::create_directory(disk.at("e"));
    const auto told = [](const std::function<void(const FileName&)>& action, std::string_view text) {
      const auto call = [&] { action(Disk::name(text)); };
      CHECK(failureOf(call) == ErrorCode::NotDirectory);
      return messageOf(call);
    };
    const auto list = [&](const FileName& name) { disk.storage->list(name, "", {10, 1000}); };
    const auto make = [&](const FileName& name) { disk.storage->makeFolder({name}, true); };
    const auto makeOpen = [&](const FileName& name) { disk.storage->makeFolder({name, 0755}, true); };
    const auto rename = [&](const FileName& name) { disk.storage->rename(Disk::name("e"), name, true); };
    CHECK(told(list, "d/f") == "cannot list 'd/f': it is not a folder");
    CHECK(told(list, "d/f/x") == "cannot list 'd/f/x': a part of the name is not a folder");
    CHECK(told(make, "d/f") == "cannot make 'd/f': it is not a folder");
    CHECK(told(make, "d/f/x") == "cannot make 'd/f/x': a part of the name is not a folder");
    CHECK(told(makeOpen, "d/f") == "cannot make 'd/f': it is not a folder");
    CHECK(told(makeOpen, "d/f/x/y") == "cannot make 'd/f/x/y': a part of the name is not a folder");
    CHECK(told(rename, "d/f") == "cannot rename 'e' to 'd/f': a folder takes the place of no file");
    CHECK(told(rename, "d/f/x") == "cannot rename to 'd/f': it is not a folder");
  });
}

TEST_CASE("a file that has its name is stored, also when what is left in the staging folder cannot be removed") {
  for (const bool inPlaceOfAnother : {true, false}) {
    CAPTURE(inPlaceOfAnother);
    Disk disk;
    disk.options.durability = DiskStorageOptions::Durability::Full;
    disk.restart();
    PutSpec spec = disk.spec("a", 3);
    std::vector<RefusedCall> refused{{SYS_unlinkat, EIO}};
    if (inPlaceOfAnother) {
      disk.put("a", "old");
      spec.naming.onlyReplace = true;
    } else {
      // A file system where a link is made first.
      spec.naming.replace = false;
      refused.push_back({SYS_renameat2, EINVAL});
    }
    auto upload = disk.storage->begin(spec);
    upload->write(bytesOf("new"));
    std::optional<Failure> failure;
    if (!withRefused(refused, [&] { failure = disk.store(std::move(upload)); })) return;
    CHECK_FALSE(failure.has_value());
    CHECK(disk.get("a") == "new");
    disk.restart();
    CHECK(disk.staged() == 0);
    CHECK(disk.get("a") == "new");
  }
}

TEST_CASE("what has come in the place of a file that was to be replaced stays there, and is told") {
  Disk disk;
  disk.put("a", "old");
  PutSpec spec = disk.spec("a", 3);
  spec.naming.onlyReplace = true;
  auto upload = disk.storage->begin(spec);
  upload->write(bytesOf("new"));
  fs::remove(disk.at("a"));
  fs::create_symlink("elsewhere", disk.at("a"));
  const auto failure = disk.store(std::move(upload));
  REQUIRE(failure);
  CHECK(failure->code() == ErrorCode::Forbidden);
  CHECK(fs::read_symlink(disk.at("a")) == "elsewhere");
  CHECK(disk.staged() == 0);
}

TEST_CASE("no folder is made where its parent could not be kept open to be synced") {
  const Disk disk;
  const RootedFolder root(UniqueFd(::open(disk.options.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), true);
  FolderMaker maker(root, 0755, true);
  {
    const NoDescriptors none;
    CHECK(maker.makeChild(root.fd(), {.name = Disk::name("new")}) != 0);
  }
  CHECK_FALSE(fs::exists(disk.at("new")));
  CHECK(maker.makeChild(root.fd(), {.name = Disk::name("new")}) == 0);
  CHECK(maker.makeChild(root.fd(), {.name = Disk::name("new")}) == EEXIST);
}

// A local program that changes a file in place, as soon as it may.
struct Meddler : NamingWatch {
  enum class When { BeforeName, AfterName };
  Meddler(const Disk& on, When moment) : disk(on), when(moment) {}
  void naming(NamingTerms&, const std::function<void()>& name) override {
    if (when == When::BeforeName) change(fs::directory_iterator(disk.at(".ftpd/staging"))->path());
    name();
    if (when == When::AfterName) change(disk.at("a"));
  }
  static void change(const fs::path& path) {
    std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << "CHANGED";
  }
  const Disk& disk;
  const When when;
};

TEST_CASE("the digest of an upload is not remembered for a file that was changed in place since") {
  using When = Meddler::When;
  for (const auto durability : {DiskStorageOptions::Durability::Full, DiskStorageOptions::Durability::None}) {
    for (const std::optional<std::int64_t> mtime : {std::optional<std::int64_t>(1'700'000'000'123'456'789), {}}) {
      for (const When when : {When::BeforeName, When::AfterName}) {
        Disk disk;
        disk.options.durability = durability;
        disk.restart();
        disk.put("a", "what it replaces");  // so that what comes has a name in the staging folder
        PutSpec spec = disk.spec("a", kShortestToRemember);
        spec.mtimeNs = mtime;
        auto upload = disk.storage->begin(spec);
        upload->write(bytesOf(patterned(kShortestToRemember)));
        Meddler meddler(disk, when);
        std::vector<CommitItem> items(1);
        items[0].digests = upload->finish();
        items[0].upload = std::move(upload);
        items[0].watch = &meddler;
        disk.storage->commit(items);
        CHECK_FALSE(items[0].failure);
        CHECK(readText(disk.at("a")).starts_with("CHANGED"));
        CHECK_FALSE(disk.storage->open(Disk::name("a"))->knownDigest(DigestAlgorithm::Xxh128).has_value());
      }
    }
  }
}

TEST_CASE("the digest of an upload is remembered, however the file got its name") {
  for (const auto durability : {DiskStorageOptions::Durability::Full, DiskStorageOptions::Durability::None}) {
    Disk disk;
    disk.options.durability = durability;
    disk.restart();
    const std::string content = patterned(kShortestToRemember);
    for (int round = 0; round < 2; ++round) {
      disk.put("a", content);
      CHECK(disk.storage->open(Disk::name("a"))->knownDigest(DigestAlgorithm::Xxh128) ==
            digestOf(DigestAlgorithm::Xxh128, bytesOf(content)));
    }
  }
}

}  // namespace
}  // namespace ft::testing
