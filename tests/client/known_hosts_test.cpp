// The file of the keys of servers that the user trusts.

#include "client/connection/known_hosts.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "client/failures.h"
#include "common/error.h"
#include "tests/support/temp_folder.h"

using namespace ft;

namespace {

const std::string kOne = "SHA256:" + std::string(43, 'A');
const std::string kOther = "SHA256:" + std::string(43, 'B');

class Folder {
 public:
  std::string file() const { return path_ + "/ftpc/known_hosts"; }
  void write(const std::string& text) const {
    std::filesystem::create_directories(path_ + "/ftpc");
    std::ofstream(file()) << text;
  }
  std::string text() const {
    std::ifstream in(file());
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  const testing::TempFolder temp_;
  const std::string path_ = temp_.path().string();
};

}  // namespace

TEST_CASE("a server is unknown until it is added, and known ever after") {
  const Folder folder;
  const KnownHosts hosts(folder.file());
  CHECK_FALSE(hosts.find("a.example:7021"));
  hosts.add("A.example:7021", kOne);
  hosts.add("[::1]:7021", kOther);
  REQUIRE(hosts.find("a.EXAMPLE:7021"));
  CHECK(hosts.find("a.example:7021")->fingerprint == kOne);
  CHECK(hosts.find("[::1]:7021")->line == 2);
  CHECK_FALSE(hosts.find("a.example:7022"));
  CHECK(folder.text() == "a.example:7021 " + kOne + "\n[::1]:7021 " + kOther + "\n");
  struct stat info {};
  REQUIRE(::stat(folder.file().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("a key that was trusted is never overwritten") {
  const Folder folder;
  const KnownHosts hosts(folder.file());
  hosts.add("a:1", kOne);
  hosts.add("a:1", kOne);
  CHECK_THROWS_AS(hosts.add("a:1", kOther), IdentityError);
  CHECK(folder.text() == "a:1 " + kOne + "\n");
}

TEST_CASE("people may edit the file: comments, blanks, a missing last line end") {
  const Folder folder;
  folder.write("# mine\n\n  a:1 \t" + kOne + "  \nb:2 " + kOther);
  const KnownHosts hosts(folder.file());
  CHECK(hosts.find("a:1")->line == 3);
  hosts.add("c:3", kOne);
  CHECK(hosts.find("b:2")->fingerprint == kOther);
  CHECK(hosts.find("c:3")->line == 5);
}

TEST_CASE("a line that is not understood is an error that names it, and not an unknown server") {
  for (const std::string& bad : {std::string("a:1"), std::string("a:1 SHA256:short"), "a:1 " + kOne + " b"}) {
    const Folder folder;
    folder.write("# mine\n" + bad + "\nb:2 " + kOne + "\n");
    CHECK_THROWS_WITH_AS(KnownHosts(folder.file()).find("b:2"),
                         doctest::Contains((folder.file() + ":2: not of the form").c_str()), ConfigError);
  }
}

TEST_CASE("many programs that learn servers at the same time lose none") {
  const Folder folder;
  constexpr int kPrograms = 8;
  std::vector<std::jthread> programs;
  for (int i = 0; i < kPrograms; ++i) {
    programs.emplace_back([&folder, i] {
      for (int n = 0; n < 5; ++n) {
        KnownHosts(folder.file()).add("host" + std::to_string(i) + ":" + std::to_string(n + 1), kOne);
      }
    });
  }
  programs.clear();
  for (int i = 0; i < kPrograms; ++i) {
    CHECK(KnownHosts(folder.file()).find("host" + std::to_string(i) + ":5"));
  }
}
