// A line that breaks or never comes: which failures are tried again, how often, and after which pauses.

#include "client/connection/link.h"

#include <doctest/doctest.h>

#include "tests/client/scripted_server.h"

using namespace ft;
using std::chrono::milliseconds;

TEST_CASE("pauses grow, stay within half and whole of their step, and end at the limit") {
  Backoff backoff(10, 7);
  milliseconds step{200};
  for (int i = 0; i < 10; ++i) {
    const auto pause = backoff.next();
    REQUIRE(pause);
    CHECK(*pause >= step / 2);
    CHECK(*pause <= step);
    step = std::min(step * 2, milliseconds(15'000));
  }
  CHECK_FALSE(backoff.next());
  backoff.progressed();
  CHECK(*backoff.next() <= milliseconds(200));
}

TEST_CASE("with no tries allowed there is no pause") { CHECK_FALSE(Backoff(0, 1).next()); }

namespace {

const auto kHangUp = [](ServerEnd&) {};
const auto kPong = [](ServerEnd& end) {
  end.readHeader();
  end.send(okReply("ping"));
};

void ping(Link& link) {
  link.persist([&] { link.client().ping(); });
}

}  // namespace

TEST_CASE("a line that breaks is tried again until it holds") {
  ScriptedServer server({kHangUp, kHangUp, kPong});
  Link link = server.link(5);
  ping(link);
  CHECK(server.pauses.size() == 2);
}

TEST_CASE("when the tries are used up, the last failure is thrown") {
  ScriptedServer server({kHangUp, kHangUp, kPong});
  Link link = server.link(1);
  CHECK_THROWS_AS(ping(link), TransportError);
  CHECK(server.connections() == 2);
}

TEST_CASE("what cannot succeed is not tried again") {
  ScriptedServer server({[](ServerEnd& end) {
                           end.readHeader();
                           end.send(refusal("ping", ErrorCode::Forbidden));
                         },
                         kPong});
  Link link = server.link(5);
  CHECK_THROWS_AS(ping(link), Failure);
  CHECK(server.pauses.empty());
}

TEST_CASE("a server that is busy is asked again on a new connection") {
  ScriptedServer server({[](ServerEnd& end) { end.send(refusal("", ErrorCode::Busy)); }, kPong});
  Link link = server.link(5);
  ping(link);
  CHECK(server.connections() == 2);
}

TEST_CASE("a server that was never reached is not waited for, unless the user said how often") {
  ScriptedServer nobody({});
  Link link = nobody.link(5);
  CHECK_THROWS_AS(ping(link), TransportError);
  CHECK(nobody.pauses.empty());

  StopRequest never;
  int tries = 0;
  Link::Ways ways;
  ways.connect = [&]() -> std::unique_ptr<Connection> {
    ++tries;
    throw TransportError(TransportError::Kind::Unreachable, "no daemon");
  };
  ways.pause = [](milliseconds) {};
  Link stubborn(std::move(ways), {3, true}, never, 1);
  CHECK_THROWS_AS(ping(stubborn), TransportError);
  CHECK(tries == 4);
}

TEST_CASE("a server that is gone after it was reached is waited for") {
  ScriptedServer server({kHangUp});
  Link link = server.link(3);
  CHECK_THROWS_AS(ping(link), TransportError);
  CHECK(server.pauses.size() == 3);
}

TEST_CASE("an answer that is not understood ends the connection and is not asked for again") {
  for (const std::string& bytes : {std::string("\xff\xff\xff\x7f", 4), std::string("\0\0\0\0", 4),
                                   std::string("\4\0\0\0blah", 8), std::string("\2\0\0\0{}", 6)}) {
    ScriptedServer server({[&](ServerEnd& end) {
                             end.readHeader();
                             end.send(bytes);
                           },
                           kPong});
    Link link = server.link(5);
    CHECK_THROWS_AS(ping(link), ProtocolError);
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("a server that removes for longer than the time-out is waited for") {
  ScriptedServer server({[](ServerEnd& end) {
    end.readHeader();
    workFor(milliseconds(60));
    end.send(okReply("remove"));
  }});
  server.timeout = milliseconds(20);
  Link link = server.link();
  link.client().remove(FileName::parse("tree"), true);
  CHECK(server.connections() == 1);
}

TEST_CASE("a peer that sends nothing is given up after the time-out") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const UniqueFd other(ends[1]);
  const StopRequest never;
  Connection connection(makePlainTransport(UniqueFd(ends[0])), never, milliseconds(20), "peer");
  try {
    connection.readHeader();
    FAIL("answered");
  } catch (const TransportError& error) {
    CHECK(error.kind() == TransportError::Kind::Timeout);
  }
}
