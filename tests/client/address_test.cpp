// What names a server on the command line, and what only looks as if it did.

#include "client/connection/address.h"

#include <doctest/doctest.h>

#include "client/failures.h"

using namespace ft;

TEST_CASE("a server is a host with or without a port, in both kinds of address") {
  CHECK(parseAddress("example.org") == ServerAddress{"example.org", 7021});
  CHECK(parseAddress("127.0.0.1:1") == ServerAddress{"127.0.0.1", 1});
  CHECK(parseAddress("a:65535") == ServerAddress{"a", 65535});
  CHECK(parseAddress("[::1]:80") == ServerAddress{"::1", 80});
  CHECK(parseAddress("[::1]") == ServerAddress{"::1", 7021});
  CHECK(parseAddress("::1") == ServerAddress{"::1", 7021});
  CHECK(parseAddress("fe80::1%eth0").host == "fe80::1%eth0");
  CHECK(ServerAddress{"::1", 80}.text() == "[::1]:80");
  CHECK(ServerAddress{"a", 80}.text() == "a:80");
}

TEST_CASE("a server can be a Unix socket, and some servers are surely on this machine") {
  CHECK(parseAddress("unix:/run/ftpd/ftpd.sock").path == "/run/ftpd/ftpd.sock");
  CHECK(parseAddress("unix:/run/ftpd/ftpd.sock").text() == "unix:/run/ftpd/ftpd.sock");
  for (const char* const local : {"unix:/x", "localhost", "127.0.0.1:1", "127.9.9.9", "[::1]:2"}) {
    CAPTURE(std::string(local));
    CHECK(parseAddress(local).local());
  }
  for (const char* const other : {"127.example.org", "localhost.example.org", "128.0.0.1", "::2"}) {
    CAPTURE(std::string(other));
    CHECK_FALSE(parseAddress(other).local());
  }
  CHECK_THROWS_AS(parseAddress("unix:/" + std::string(200, 'x')), UsageError);
}

TEST_CASE("what is no server is a usage error") {
  for (const char* text : {"unix:",  "unix:relative", "",        ":",        ":80",
                           "a:",     "a:0",           "a:65536", "a:-1",     "a:x",
                           "a:80x",  "a b",           "a/b",     "[::1",     "[::1]80",
                           "[x]:80", "[]:80",         "a:1:2",   "\x1b[31m", "a:99999999999999999999"}) {
    CAPTURE(std::string(text));
    CHECK_THROWS_AS(parseAddress(text), UsageError);
  }
}

TEST_CASE("an argument with a colon before its first slash names a server") {
  const auto plain = splitRemote("host:dir/a.txt");
  REQUIRE(plain);
  CHECK(plain->host == "host");
  CHECK_FALSE(plain->port);
  CHECK(plain->path == "dir/a.txt");
  const auto port = splitRemote("host:70:a");
  REQUIRE(port);
  CHECK(port->port == 70);
  CHECK(port->path == "a");
  const auto v6 = splitRemote("[::1]:70:a:b");
  REQUIRE(v6);
  CHECK(v6->host == "::1");
  CHECK(v6->path == "a:b");
  CHECK(splitRemote("host:")->path.empty());
  CHECK(splitRemote("host:a:b")->path == "a:b");
}

TEST_CASE("a colon behind a slash, or without a host before it, belongs to a name") {
  for (const char* text : {"a.txt", "./a:b", "d/a:b", "/x:y", ":b", "a b:c", "\xe7\x8c\xab:c"}) {
    CAPTURE(text);
    CHECK_FALSE(splitRemote(text).has_value());
  }
}

TEST_CASE("a single word before a colon does not surely name a host") {
  CHECK_FALSE(looksLikeHost(*splitRemote("12:30.txt")));
  CHECK(looksLikeHost(*splitRemote("a.example:b")));
  CHECK(looksLikeHost(*splitRemote("localhost:b")));
  CHECK(looksLikeHost(*splitRemote("host:7021:b")));
  CHECK(looksLikeHost(*splitRemote("[::1]:b")));
}

TEST_CASE("whether an address says a port is told apart from the colons of IPv6") {
  for (const char* text : {"a:1", "a.example:7021", "[::1]:5"}) CHECK(namesPort(text));
  for (const char* text : {"a", "a.example", "::1", "[::1]", "fe80::1%lo"}) CHECK_FALSE(namesPort(text));
}
