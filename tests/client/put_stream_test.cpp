// Streams of unknown size, against a server that follows a script.

#include <doctest/doctest.h>
#include <fcntl.h>

#include "client/transfer/stream_put.h"
#include "tests/client/put_fixture.h"

using namespace ft;

TEST_CASE("a stream is sent in chunks without a size, and its trailer says the size") {
  PutTest test;
  test.folder.write("a", kLarge);
  for (const std::string& content : {std::string(), std::string("x"), kLarge}) {
    test.folder.write("a", content);
    const UniqueFd input(::open(test.folder.path("a").c_str(), O_RDONLY));
    std::string got;
    ScriptedServer server({[&](ServerEnd& end) {
      const Header put = end.readHeader();
      CHECK_FALSE(put.filesize);
      got = end.readChunks();
      CHECK(end.readHeader().filesize == content.size());
      end.send(storedReply(got, kXxh));
    }});
    Link link = server.link(3);
    const FileOutcome outcome = StreamPut(link, test.options, test.observer).run(input.get(), FileName::parse("a"));
    CHECK(outcome.size == content.size());
    CHECK(got == content);
  }
}

TEST_CASE("the end of a stream is waited for as long as a slow disk takes for its bytes") {
  PutTest test;
  test.folder.write("a", std::string(20'000'000, 'x'));
  const auto stored = [&](std::chrono::milliseconds timeout) {
    const UniqueFd input(::open(test.folder.path("a").c_str(), O_RDONLY));
    ScriptedServer server({[&](ServerEnd& end) {
      end.readHeader();
      const std::string got = end.readChunks();
      end.readHeader();
      const Header reply = storedReply(got, kXxh);
      workFor(timeout + std::chrono::milliseconds(100));
      end.send(reply);
    }});
    server.timeout = timeout;
    Link link = server.link();
    try {
      return StreamPut(link, test.options, test.observer).run(input.get(), FileName::parse("a")).size == 20'000'000;
    } catch (const TransportError&) {
      return false;
    }
  };
  // On a machine that stands still for a while the server may be late for a short time-out; a client that does not
  // wait for the disk is too impatient with each of them.
  std::chrono::milliseconds timeout(500);
  while (!stored(timeout) && timeout < std::chrono::seconds(30)) timeout *= 2;
  CHECK(timeout < std::chrono::seconds(30));
}

TEST_CASE("a stream that was begun is not begun again") {
  PutTest test;
  test.folder.write("a", kLarge);
  const UniqueFd input(::open(test.folder.path("a").c_str(), O_RDONLY));
  ScriptedServer server({[](ServerEnd& end) {
                           end.readHeader();
                           end.readBytes(1000);
                         },
                         [](ServerEnd&) {}});
  Link link = server.link(3);
  CHECK_THROWS_AS(StreamPut(link, test.options, test.observer).run(input.get(), FileName::parse("a")), TransportError);
  CHECK(server.connections() == 1);
}

TEST_CASE("a stream that is refused in its middle ends with the refusal") {
  PutTest test;
  test.folder.write("a", noise(20'000'000));
  const UniqueFd input(::open(test.folder.path("a").c_str(), O_RDONLY));
  ScriptedServer server({[](ServerEnd& end) {
    end.readHeader();
    end.readBytes(1000);
    end.send(refusal("put", ErrorCode::Exists));
    end.finishSending();
    end.readBytes(30'000'000);
  }});
  Link link = server.link(3);
  try {
    StreamPut(link, test.options, test.observer).run(input.get(), FileName::parse("a"));
    FAIL("stored");
  } catch (const Failure& failure) {
    CHECK(failure.code() == ErrorCode::Exists);
  }
}
