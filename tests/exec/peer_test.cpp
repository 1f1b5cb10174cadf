// The line between ftpd and ftpd-exec: frames and bodies, wherever they are cut.

#include "exec/peer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

#include "common/error.h"
#include "common/protocol.h"
#include "tests/support/socket_pair.h"
#include "tests/support/wire_text.h"

using namespace ft;
using ft::testing::frame;
using ft::testing::pattern;

namespace {

// The peer of ftpd-exec with ftpd's end of its socket.
struct Line {
  UniqueFd ftpd;
  ExecPeer peer;

  Line() : peer(connect(ftpd)) {}

  static UniqueFd connect(UniqueFd& other) {
    testing::SocketPair pair;
    other = std::move(pair.ours);
    return std::move(pair.theirs);
  }

  void send(std::string_view bytes) const {
    REQUIRE(::send(ftpd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
            static_cast<ssize_t>(bytes.size()));
  }
  // What has come so far.
  std::string received() const {
    std::string all;
    char buffer[65536];
    for (;;) {
      const ssize_t n = ::recv(ftpd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n <= 0) return all;
      all.append(buffer, static_cast<std::size_t>(n));
    }
  }
  // Flushes with the other end reading, to the end.
  std::string flushed() {
    std::string all;
    do {
      REQUIRE(peer.flush());
      all += received();
    } while (!peer.flushed());
    return all;
  }
};

std::string textOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Header parsed(std::string& bytes) {
  const auto text = peekFrame(std::as_bytes(std::span(bytes.data(), bytes.size())));
  REQUIRE(text.has_value());
  HeaderParser parser;
  Header header = parser.parse(*text);
  bytes.erase(0, kLengthPrefixSize + text->size());
  return header;
}

}  // namespace

TEST_CASE("frames and bodies are taken apart alike wherever they are cut") {
  const std::string all = frame(R"({"v":1,"cmd":"exec","name":"df"})") +
                          frame(R"({"v":1,"cmd":"input","filesize":5})") + "hello" +
                          frame(R"({"v":1,"cmd":"resize","rows":1})");
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    CAPTURE(cut);
    Line line;
    std::string seen;
    std::size_t bodyLeft = 0;
    for (const std::string& part : {all.substr(0, cut), all.substr(cut)}) {
      line.send(part);
      REQUIRE(line.peer.fill());
      for (;;) {
        const std::string body = textOf(line.peer.body(bodyLeft));
        line.peer.consume(body.size());
        bodyLeft -= body.size();
        seen += body;
        if (bodyLeft > 0 || line.peer.peekHeader() == nullptr) break;
        const Header header = line.peer.takeHeader();
        seen += "[" + header.cmd + "]";
        bodyLeft = header.filesize.value_or(0);
      }
    }
    REQUIRE(seen == "[exec][input]hello[resize]");
  }
}

TEST_CASE("a header that was looked at stays, also when more is read") {
  Line line;
  line.send(frame(R"({"v":1,"cmd":"exec","name":"df"})"));
  REQUIRE(line.peer.fill());
  const Header* const seen = line.peer.peekHeader();
  REQUIRE(seen != nullptr);
  line.send("rest");
  REQUIRE(line.peer.fill());
  CHECK(line.peer.peekHeader() == seen);
  CHECK(line.peer.takeHeader().name == "df");
  CHECK(textOf(line.peer.body(100)) == "rest");
  CHECK(textOf(line.peer.body(2)) == "re");
}

TEST_CASE("nothing to read is no end, and the end is one") {
  Line line;
  CHECK(line.peer.fill());
  CHECK(line.peer.peekHeader() == nullptr);
  line.ftpd.reset();
  CHECK_FALSE(line.peer.fill());
}

TEST_CASE("what is no frame, and a frame that is too long, is an error of the peer") {
  for (const std::string& bytes : {std::string("\xff\xff\xff\xff", 4), std::string("\x00\x00\x00\x7f", 4), frame("[]"),
                                   frame(R"({"v":1,"cmd":"input","filesize":-1})")}) {
    Line line;
    line.send(bytes);
    REQUIRE(line.peer.fill());
    CHECK_THROWS_AS(line.peer.peekHeader(), std::runtime_error);
  }
}

TEST_CASE("the input takes what fits and no more, and goes on when room is made") {
  Line line;
  const std::string piece = pattern(16 * 1024);
  std::string sent, taken;
  while (!line.peer.inputFull()) {
    line.send(piece);
    sent += piece;
    REQUIRE(line.peer.fill());
  }
  CHECK(sent.size() >= kMaxHeaderSize);
  CHECK(line.peer.fill());
  while (taken.size() < sent.size()) {
    const std::string part = textOf(line.peer.body(sent.size() - taken.size())).substr(0, 5000);
    line.peer.consume(part.size());
    taken += part;
    REQUIRE(line.peer.fill());
  }
  CHECK(taken == sent);
}

TEST_CASE("a body goes out behind the header that tells its stream and its size") {
  for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, ExecPeer::kBodySize - 1, ExecPeer::kBodySize}) {
    CAPTURE(size);
    Line line;
    const std::string body = pattern(size);
    std::memcpy(line.peer.bodyBuffer().data(), body.data(), size);
    line.peer.queueBody("stderr", size);
    CHECK_FALSE(line.peer.flushed());
    std::string bytes = line.flushed();
    const Header header = parsed(bytes);
    CHECK(header.cmd == "output");
    CHECK(header.stream == "stderr");
    CHECK(header.filesize == size);
    CHECK(bytes == body);
  }
}

TEST_CASE("a pipe's bytes go out like any body, and the bytes behind them stay in the pipe") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const UniqueFd out(ends[0]), in(ends[1]);
  const std::string body = pattern(60'000);
  REQUIRE(::write(in.get(), body.data(), body.size()) == 60'000);
  Line line;
  line.peer.queuePipe("stdout", out.get(), 59'999);
  std::string bytes = line.flushed();
  CHECK(parsed(bytes).filesize == 59'999);
  CHECK(bytes == body.substr(0, 59'999));
  Header reply;
  reply.cmd = "exec";
  reply.ok = true;
  line.peer.queue(reply);
  bytes = line.flushed();
  CHECK(parsed(bytes).ok == true);
  CHECK(bytes.empty());
  char last = 0;
  CHECK(::read(out.get(), &last, 1) == 1);
  CHECK(last == body.back());
}

TEST_CASE("a pipe that ends before its announced size is an end, since the frame cannot be finished") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  REQUIRE(::write(in.get(), "abc", 3) == 3);
  in.reset();
  Line line;
  line.peer.queuePipe("stdout", out.get(), 10);
  CHECK_FALSE(line.peer.flush());
}

TEST_CASE("a peer that takes nothing is waited for, and one that is gone is told") {
  Line line;
  while (line.peer.flushed()) {
    line.peer.queueBody("stdout", ExecPeer::kBodySize);
    REQUIRE(line.peer.flush());
  }
  CHECK(line.peer.flush());
  CHECK_FALSE(line.peer.flushed());
  line.ftpd.reset();
  CHECK_FALSE(line.peer.flush());
}
