// The table of commands, the limits of connections, and the number of connections that descriptors allow.

#include "server/commands.h"

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <sstream>

#include "server/connection_limits.h"
#include "server/daemon.h"

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
  const std::array<unsigned char, 4> v4{192, 0, 2, 1};
  const std::array<unsigned char, 4> loopback{127, 0, 0, 9};
  std::array<unsigned char, 16> mapped{};
  mapped[10] = mapped[11] = 0xff;
  std::copy(v4.begin(), v4.end(), mapped.begin() + 12);
  std::array<unsigned char, 16> one{0x20, 1, 0xd, 0xb8, 0, 0, 0, 7, 1};
  std::array<unsigned char, 16> neighbour = one;
  neighbour[15] = 99;
  std::array<unsigned char, 16> other = one;
  other[7] = 8;
  std::array<unsigned char, 16> loopback6{};
  loopback6[15] = 1;
  CHECK(ConnectionLimits::sourceOf(v4).size() == 4);
  CHECK(ConnectionLimits::sourceOf(mapped) == ConnectionLimits::sourceOf(v4));
  CHECK(ConnectionLimits::sourceOf(one) == ConnectionLimits::sourceOf(neighbour));
  CHECK(ConnectionLimits::sourceOf(one) != ConnectionLimits::sourceOf(other));
  CHECK(ConnectionLimits::sourceOf(loopback).empty());
  CHECK(ConnectionLimits::sourceOf(loopback6).empty());
}

TEST_CASE("the automatic connection limit follows the descriptors and ends at 12,000") {
  CHECK(connectionLimit(5, 100) == 5);
  CHECK(connectionLimit(0, 1'000'000) == 12'000);
  CHECK(connectionLimit(0, 20'000) == 12'000);
  CHECK(connectionLimit(0, 1024) == 512);
  CHECK(connectionLimit(0, 64) >= 8);
}
