// The hidden names of parts are ftpc's own: they are known by their form, and what has taken one is never published.

#include <doctest/doctest.h>

#include <set>

#include "client/local/part_file.h"
#include "client/local/target_folder.h"
#include "client/transfer/local_walk.h"
#include "common/error.h"
#include "tests/client/transfer_fixture.h"

using namespace ft;

TEST_CASE("the names of parts are known by their form") {
  for (const std::string& name : {partName("a"), partName(std::string(255, 'x')),
                                  std::string(".a.0123456789abcdef.ftpc-part"), std::string("..ftpc-part")}) {
    CAPTURE(name);
    CHECK(isPartName(name));
  }
  for (const char* name : {"", ".", "a", ".ftpc-part", "a.ftpc-part", ".a.ftpc-part2", ".a.ftpd-part"}) {
    CAPTURE(name);
    CHECK_FALSE(isPartName(name));
  }
}

TEST_CASE("a part never gives its name to a file that has taken its place, nor removes it") {
  const TestFolder folder;
  TargetFolder target = TargetFolder::open(folder.path());
  const std::string hidden = partName("a");
  folder.write("a", "old");
  {
    PartFile part = PartFile::create(target.root(), "a");
    part.write(std::as_bytes(std::span("new", 3)));
    SUBCASE("replaced") {
      folder.write("other", "other");
      std::filesystem::rename(folder.path("other"), folder.path(hidden));
    }
    SUBCASE("a link to it") {
      std::filesystem::rename(folder.path(hidden), folder.path("moved"));
      std::filesystem::create_symlink(folder.path("moved"), folder.path(hidden));
    }
    for (const bool replace : {true, false}) CHECK_THROWS_AS(part.publish(replace), Failure);
  }
  CHECK(folder.read("a") == "old");
  CHECK(folder.has(hidden));
}

TEST_CASE("the walk leaves out what gets have left, and counts it; folders of such names are folders") {
  const TestFolder folder;
  std::filesystem::create_directories(folder.path("d/.e.ftpc-part"));
  for (const char* name :
       {"a", ".a.ftpc-part", "d/.b.ftpc-part", "d/b", "d/.e.ftpc-part/f", "d/.e.ftpc-part/.f.ftpc-part"}) {
    folder.write(name, name);
  }
  RecordingObserver observer;
  LocalWalk walk(folder.path(), observer);
  std::set<std::string> files;
  for (LocalBatch batch = walk.next(2); batch.size() > 0; batch = walk.next(2)) {
    for (const LocalFile& file : batch.files) files.insert(file.relative);
  }
  CHECK(files == std::set<std::string>{"a", "d/b", "d/.e.ftpc-part/f"});
  CHECK(walk.partsLeftOut() == 3);
  CHECK(observer.warnings.empty());
}
