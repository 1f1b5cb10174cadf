#include "common/transport.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/socket_pair.h"
#include "tests/support/text.h"

using namespace ft;
using namespace ft::testing;

namespace {

struct Pair {
  std::unique_ptr<Transport> near;
  UniqueFd far;
};

Pair makePair() {
  SocketPair pair;
  return {makePlainTransport(std::move(pair.ours)), std::move(pair.theirs)};
}

}  // namespace

TEST_CASE("a transport's socket does not block") {
  const Pair pair = makePair();
  CHECK((::fcntl(pair.near->fd(), F_GETFL) & O_NONBLOCK) != 0);
  std::array<std::byte, 8> buffer{};
  CHECK(pair.near->read(buffer).status == IoResult::Status::WouldBlockRead);
}

TEST_CASE("what one end sends the other reads") {
  const Pair pair = makePair();
  REQUIRE(::send(pair.far.get(), "hello", 5, 0) == 5);
  std::array<std::byte, 8> buffer{};
  const IoResult result = pair.near->read(buffer);
  CHECK(result.status == IoResult::Status::Done);
  REQUIRE(result.bytes == 5);
  CHECK(std::string(reinterpret_cast<const char*>(buffer.data()), 5) == "hello");
  CHECK(pair.near->write(bytesOf("abc")).bytes == 3);
  std::array<char, 8> answer{};
  CHECK(::recv(pair.far.get(), answer.data(), answer.size(), 0) == 3);
}

TEST_CASE("a full socket says so instead of waiting") {
  const Pair pair = makePair();
  const std::vector<std::byte> block(65'536);
  IoResult result;
  for (int i = 0; i < 1000 && result.status == IoResult::Status::Done; ++i) result = pair.near->write(block);
  CHECK(result.status == IoResult::Status::WouldBlockWrite);
}

TEST_CASE("a peer that has finished is the end, and a half-closed line still writes the other way") {
  const Pair pair = makePair();
  REQUIRE(::shutdown(pair.far.get(), SHUT_WR) == 0);
  std::array<std::byte, 8> buffer{};
  CHECK(pair.near->read(buffer).status == IoResult::Status::End);
  CHECK(pair.near->write(bytesOf("abc")).status == IoResult::Status::Done);
}

TEST_CASE("writing to a peer that is gone is an error and no signal") {
  Pair pair = makePair();
  pair.far.reset();
  try {
    pair.near->write(bytesOf("abc"));
    FAIL("nothing was thrown");
  } catch (const TransportError& error) {
    CHECK(error.kind() == TransportError::Kind::Closed);
  }
}

TEST_CASE("shutting down the writing side is seen by the peer as the end") {
  const Pair pair = makePair();
  pair.near->shutdownWrite();
  std::array<char, 8> buffer{};
  CHECK(::recv(pair.far.get(), buffer.data(), buffer.size(), 0) == 0);
}
