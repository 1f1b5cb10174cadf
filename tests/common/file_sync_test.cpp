#include "common/file_sync.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "tests/support/temp_folder.h"

using namespace ft;

TEST_CASE("each of few and of many files answers for itself") {
  const testing::TempFolder folder;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd readEnd(ends[0]);
  const UniqueFd writeEnd(ends[1]);
  for (const unsigned count : {0U, 1U, 2U, 15U, 16U, 17U, 40U}) {
    CAPTURE(count);
    std::vector<UniqueFd> open;
    std::vector<FileToSync> files{{-1}, {writeEnd.get()}};
    for (unsigned i = 0; i < count; ++i) {
      const std::string path = folder.path() / std::to_string(i);
      open.emplace_back(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
      REQUIRE(::write(open.back().get(), "x", 1) == 1);
      files.push_back({open.back().get(), EIO});
    }
    syncFiles(files);
    CHECK(files[0].error == EBADF);
    CHECK(files[1].error == EINVAL);
    for (unsigned i = 2; i < files.size(); ++i) CHECK(files[i].error == 0);
  }
}
