// The table of commands, the limits of connections, and the number of connections that descriptors allow.

#include "server/session/commands.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <net/if.h>

#include <fstream>
#include <sstream>

#include "server/daemon.h"
#include "server/limits/connection_limits.h"
#include "server/limits/source_address.h"

using namespace ft;

namespace {

std::string textOf(const std::string& path) {
  std::ifstream file(std::string(FT_SOURCE_DIR) + "/" + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("PROTOCOL.md lists exactly the commands of the table, in its order") {
  const std::string protocol = textOf("PROTOCOL.md");
  std::string row = "`";
  for (const Command& command : commandTable()) row += (row.size() > 1 ? " " : "") + std::string(command.name);
  row += "`\n";
  const auto section = protocol.find("## 5. Commands");
  REQUIRE(section != std::string::npos);
  const auto line = protocol.find('`', section);
  CHECK(protocol.substr(line, row.size()) == row);
}

TEST_CASE("every command is found by its name, and nothing else is") {
  for (const Command& command : commandTable()) CHECK(findCommand(command.name) == &command);
  for (const char* name : {"", "PUT", "puts", "pu", "trailer"}) CHECK(findCommand(name) == nullptr);
}

TEST_CASE("connections are limited in all and for one address, and places come back") {
  ConnectionLimits limits(3, 2);
  std::string reason;
  auto first = limits.admit("a", reason);
  auto second = limits.admit("a", reason);
  CHECK(first);
  CHECK(second);
  CHECK_FALSE(limits.admit("a", reason));
  CHECK(reason.find("server.max_per_address") != std::string::npos);
  auto third = limits.admit("b", reason);
  CHECK(third);
  CHECK_FALSE(limits.admit("", reason));
  CHECK(reason.find("server.max_connections") != std::string::npos);
  second.reset();
  CHECK(limits.admit("a", reason));
  CHECK(limits.count() == 2);
}

TEST_CASE("loopback is not held to the limit for an address") {
  ConnectionLimits limits(100, 1);
  std::string reason;
  auto first = limits.admit("", reason);
  CHECK(limits.admit("", reason));
}

TEST_CASE("an address counts as itself, as its /64, or as loopback") {
  const auto sourceOf = [](const char* text) {
    SourceAddress address;
    REQUIRE(::inet_pton(AF_INET6, text, address.bytes.data()) == 1);
    return address;
  };
  CHECK(sourceOf("::ffff:192.0.2.1").sourceText() == "192.0.2.1");
  CHECK(sourceOf("2001:db8:0:7:1::").sourceText() == "2001:db8:0:7::/64");
  CHECK(sourceOf("2001:db8:0:7::99").sourceText() == "2001:db8:0:7::/64");
  CHECK(sourceOf("2001:db8:0:8::99").sourceText() == "2001:db8:0:8::/64");
  CHECK(sourceOf("::1").sourceText() == "::1");
  CHECK(sourceOf("::ffff:127.0.0.9").loopback());
  sockaddr_storage unixAddress{};
  unixAddress.ss_family = AF_UNIX;
  CHECK(SourceAddress::of(unixAddress).loopback());
}

TEST_CASE("a peer is named by its address and port, or by its user") {
  PeerInfo peer;
  peer.address.port = 40123;
  REQUIRE(::inet_pton(AF_INET6, "::ffff:192.0.2.1", peer.address.bytes.data()) == 1);
  CHECK(peer.name() == "192.0.2.1:40123");
  CHECK(peer.source() == "192.0.2.1");
  CHECK_FALSE(peer.loopback());
  REQUIRE(::inet_pton(AF_INET6, "2001:db8:0:7::99", peer.address.bytes.data()) == 1);
  CHECK(peer.name() == "[2001:db8:0:7::99]:40123");
  CHECK(peer.source() == "2001:db8:0:7::/64");
  REQUIRE(::inet_pton(AF_INET6, "fe80::1", peer.address.bytes.data()) == 1);
  peer.scope = ::if_nametoindex("lo");
  CHECK(peer.name() == "[fe80::1%lo]:40123");
  PeerInfo local{.address = {}, .unixSocket = true, .uid = 1000};
  CHECK(local.name() == "unix:1000");
  CHECK(local.source() == "unix:1000");
  CHECK(local.loopback());
}

TEST_CASE("the automatic connection limit follows the descriptors and ends at 12,000") {
  CHECK(connectionLimit(5, 100) == 5);
  CHECK(connectionLimit(0, 1'000'000) == 12'000);
  CHECK(connectionLimit(0, 20'000) == 12'000);
  CHECK(connectionLimit(0, 1024) == 512);
  CHECK(connectionLimit(0, 64) >= 8);
}
