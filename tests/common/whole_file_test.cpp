#include "common/whole_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "common/unique_fd.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temp_folder.h"

using namespace ft;

namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  std::string at(const std::string& name) const { return path_ + "/" + name; }
  std::string read(const std::string& name) const {
    std::ifstream file(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::ptrdiff_t count() const { return std::distance(fs::directory_iterator(path_), fs::directory_iterator()); }

 private:
  const testing::TempFolder temp_;
  const std::string path_ = temp_.path().string();
};

mode_t modeOf(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

}  // namespace

TEST_CASE("all bytes are written, though one call takes only some of them") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  const std::string text(1 << 20, 'x');
  std::string read;
  std::jthread reader([&] {
    std::array<char, 4096> part{};
    for (ssize_t n = 0; (n = ::read(out.get(), part.data(), part.size())) > 0;) {
      read.append(part.data(), static_cast<std::size_t>(n));
    }
  });
  CHECK(writeAll(in.get(), text) == 0);
  in.reset();
  reader.join();
  CHECK(read == text);
  CHECK(writeAll(-1, "x") == EBADF);
  CHECK(writeAll(-1, "") == 0);
}

TEST_CASE("a file is made and replaced with its mode, and nothing else is in the folder afterwards") {
  const Folder folder;
  CHECK(replaceFile(folder.at("a"), "first", {}) == 0);
  CHECK(folder.read("a") == "first");
  CHECK(modeOf(folder.at("a")) == 0600);
  CHECK(replaceFile(folder.at("a"), "", {.mode = 0640}) == 0);
  CHECK(folder.read("a").empty());
  CHECK(modeOf(folder.at("a")) == 0640);
  const UniqueFd opened(::open(folder.at("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK(replaceFile(opened.get(), "a", "third", {.mode = 0600, .owner = {{::geteuid(), ::getegid()}}}) == 0);
  CHECK(folder.read("a") == "third");
  CHECK(replaceFile(opened.get(), "a", "not synced", {.mode = 0600, .sync = false}) == 0);
  CHECK(folder.read("a") == "not synced");
  CHECK(folder.count() == 1);
}

TEST_CASE("a link is replaced and what it leads to stays as it was") {
  const Folder folder;
  std::ofstream(folder.at("target")) << "precious";
  fs::create_symlink(folder.at("target"), folder.at("link"));
  CHECK(replaceFile(folder.at("link"), "new", {}) == 0);
  CHECK(folder.read("target") == "precious");
  CHECK(folder.read("link") == "new");
  CHECK_FALSE(fs::is_symlink(folder.at("link")));
}

TEST_CASE("when the bytes do not fit or the name cannot be had, the old file stays and no other is left behind") {
  const Folder folder;
  REQUIRE(replaceFile(folder.at("a"), "old", {}) == 0);
  {
    // One call still takes the first 100 bytes.
    const testing::FileSizeLimit limit(100);
    CHECK(replaceFile(folder.at("a"), std::string(200, 'x'), {}) == EFBIG);
  }
  CHECK(folder.read("a") == "old");
  fs::create_directories(folder.at("folder/inside"));
  CHECK(replaceFile(folder.at("folder"), "x", {}) == EISDIR);
  CHECK(replaceFile(folder.at("missing/a"), "x", {}) == ENOENT);
  CHECK(folder.count() == 2);
}

TEST_CASE("of two that replace a file at the same time, the one or the other is whole") {
  const Folder folder;
  const std::array texts{std::string(100'000, 'a'), std::string(90'000, 'b')};
  {
    std::jthread other([&] {
      for (int i = 0; i < 20; ++i) CHECK(replaceFile(folder.at("f"), texts[0], {}) == 0);
    });
    for (int i = 0; i < 20; ++i) {
      CHECK(replaceFile(folder.at("f"), texts[1], {}) == 0);
      const std::string now = folder.read("f");
      CHECK((now == texts[0] || now == texts[1]));
    }
  }
  CHECK(folder.count() == 1);
}

TEST_CASE("a file is read to its end, or as far as it is wanted") {
  const testing::TempFolder folder;
  const std::string path = folder.path() / "a";
  const std::string content(200'000, 'x');
  REQUIRE(replaceFile(path, content, {}) == 0);
  for (const std::size_t most : {std::size_t{0}, std::size_t{1}, std::size_t{65'536}, std::size_t{65'537},
                                 content.size() - 1, content.size(), content.size() + 1}) {
    CAPTURE(most);
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text = "before";
    CHECK(readAtMost(fd.get(), most, text) == 0);
    CHECK(text == "before" + content.substr(0, most));
  }
  std::string text;
  CHECK(readAtMost(-1, 1, text) == EBADF);
}
