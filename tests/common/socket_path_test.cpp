#include "common/socket_path.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "common/unique_fd.h"
#include "tests/support/temp_folder.h"

using namespace ft;

namespace {

UniqueFd bound(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

}  // namespace

TEST_CASE("a socket that nobody serves is removed, one that somebody serves is not") {
  const testing::TempFolder folder;
  const std::string path = folder.path() / "socket";
  CHECK_FALSE(clearSocketPath(path));
  bound(path).reset();
  CHECK_FALSE(clearSocketPath(path));
  CHECK_FALSE(std::filesystem::exists(path));
  const UniqueFd served = bound(path);
  REQUIRE(::listen(served.get(), 0) == 0);
  // The second one finds the queue full.
  CHECK(clearSocketPath(path) == "another daemon serves it");
  CHECK(clearSocketPath(path) == "another daemon serves it");
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("what is no socket stays where it is, and a path that fits no address is refused") {
  const testing::TempFolder folder;
  const std::string path = folder.path() / "file";
  std::ofstream(path) << "x";
  CHECK(clearSocketPath(path) == "something else than a socket is there");
  CHECK(std::filesystem::exists(path));
  CHECK_FALSE(clearSocketPath("/" + std::string(106, 'x')));
  CHECK(clearSocketPath("/" + std::string(107, 'x')) == "the path is too long");
}
