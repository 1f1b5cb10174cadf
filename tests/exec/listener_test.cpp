#include "exec/listener.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "common/descriptor_passing.h"
#include "common/error.h"
#include "tests/support/no_descriptors.h"
#include "tests/support/socket_pair.h"
#include "tests/support/temp_folder.h"

using namespace ft;

namespace {

UniqueFd connected(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

// A listener in the file system, for this process's user.
struct Scene {
  testing::TempFolder folder;
  std::string path = folder.path() / "socket";
  std::unique_ptr<ExecListener> listener = makeSocketListener(listenAt(path), {::getuid()});
};

}  // namespace

TEST_CASE("a socket that another ftpd-exec serves stays with it, and one that nobody serves is replaced") {
  const testing::TempFolder folder;
  const std::string path = folder.path() / "socket";
  UniqueFd first = listenAt(path);
  CHECK_THROWS_AS(listenAt(path), ConfigError);
  CHECK_NOTHROW(connected(path));
  first.reset();
  const UniqueFd second = listenAt(path);
  CHECK_NOTHROW(connected(path));
  const auto mode = std::filesystem::status(path).permissions();
  CHECK(mode == std::filesystem::perms(0666));
}

TEST_CASE("a path at which nothing can listen is named with the reason") {
  const testing::TempFolder folder;
  for (const std::string& path : {(folder.path() / "no" / "folder").string(), "/" + std::string(200, 'x')}) {
    CAPTURE(path);
    CHECK_THROWS_AS(listenAt(path), ConfigError);
  }
}

TEST_CASE("to look for a session never waits, also when who came is gone again") {
  Scene scene;
  const Taken nobody = scene.listener->take();
  CHECK_FALSE(nobody.session);
  CHECK_FALSE(nobody.closed);
  CHECK_FALSE(nobody.exhausted);
  connected(scene.path).reset();
  scene.listener->take();
  CHECK_FALSE(scene.listener->take().session);
}

TEST_CASE("a listener that was passed blocking does not block") {
  const testing::TempFolder folder;
  UniqueFd socket = listenAt(folder.path() / "socket");
  ::fcntl(socket.get(), F_SETFL, 0);
  CHECK_FALSE(makeSocketListener(std::move(socket), {})->take().session);
  CHECK_THROWS_AS(makeSocketListener(UniqueFd(), {}), ConfigError);
}

TEST_CASE("only processes of the users that are allowed may connect") {
  Scene scene;
  const UniqueFd peer = connected(scene.path);
  CHECK(scene.listener->take().session);
  const auto strict = makeSocketListener(listenAt(scene.folder.path() / "strict"), {::getuid() + 1});
  const UniqueFd refused = connected(scene.folder.path() / "strict");
  CHECK_FALSE(strict->take().session);
  char byte = 0;
  CHECK(::recv(refused.get(), &byte, 1, 0) == 0);
}

TEST_CASE("without descriptors a connection waits, and is taken when there are some again") {
  Scene scene;
  const UniqueFd peer = connected(scene.path);
  {
    const testing::NoDescriptors now;
    const Taken taken = scene.listener->take();
    CHECK(taken.exhausted);
    CHECK_FALSE(taken.closed);
    CHECK_FALSE(taken.session);
  }
  CHECK(scene.listener->take().session);
}

TEST_CASE("ftpd sends sessions over the pair, and its end is the end of them") {
  testing::SocketPair pair(SOCK_SEQPACKET);
  const auto listener = makeParentListener(std::move(pair.theirs));
  listener->ready();
  char byte = 0;
  CHECK(::recv(pair.ours.get(), &byte, 1, 0) == 1);
  CHECK_FALSE(listener->take().closed);
  const testing::SocketPair session;
  REQUIRE(sendDescriptor(pair.ours.get(), session.theirs.get()));
  const Taken taken = listener->take();
  REQUIRE(taken.session);
  CHECK(::send(taken.session.get(), "x", 1, MSG_NOSIGNAL) == 1);
  CHECK(::recv(session.ours.get(), &byte, 1, 0) == 1);
  // A message without a descriptor is nobody, and the next one is looked at all the same.
  CHECK(::send(pair.ours.get(), "s", 1, MSG_NOSIGNAL) == 1);
  const Taken nobody = listener->take();
  CHECK_FALSE(nobody.session);
  CHECK_FALSE(nobody.closed);
  pair.ours.reset();
  CHECK(listener->take().closed);
}

TEST_CASE("a descriptor that finds no place is lost, and no session") {
  testing::SocketPair pair(SOCK_SEQPACKET);
  const auto listener = makeParentListener(std::move(pair.theirs));
  const testing::SocketPair session;
  REQUIRE(sendDescriptor(pair.ours.get(), session.theirs.get()));
  const testing::NoDescriptors now;
  const Taken taken = listener->take();
  CHECK_FALSE(taken.session);
  CHECK_FALSE(taken.closed);
}

TEST_CASE("a socket is taken from systemd only by the process that it was passed to") {
  const testing::TempFolder folder;
  UniqueFd socket = listenAt(folder.path() / "socket");
  const std::string self = std::to_string(::getpid());
  const std::string parent = std::to_string(::getppid());
  for (const auto& [count, owner] : {std::pair<const char*, const char*>{nullptr, nullptr},
                                     {"1", nullptr},
                                     {nullptr, self.c_str()},
                                     {"1", parent.c_str()},
                                     {"1", ""},
                                     {"1", "1x"}}) {
    CHECK_FALSE(passedListener(count, owner, socket.get()));
  }
  const int number = socket.release();
  const UniqueFd passed = passedListener("1", self.c_str(), number);
  CHECK(passed.get() == number);
  CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("what is passed and is not one listening Unix socket is refused") {
  const testing::TempFolder folder;
  const UniqueFd listening = listenAt(folder.path() / "socket");
  const UniqueFd silent(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const std::string self = std::to_string(::getpid());
  for (const char* count : {"0", "2", "", "1x"}) {
    CHECK_THROWS_AS(passedListener(count, self.c_str(), listening.get()), ConfigError);
  }
  for (const int fd : {silent.get(), file.get(), -1}) {
    CHECK_THROWS_AS(passedListener("1", self.c_str(), fd), ConfigError);
  }
}
