#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "server/services/services.h"
#include "tests/support/socket_pair.h"

namespace ft {

// Of docs/examples/reverse_service.cpp.
void reverseLines(Poco::Net::StreamSocket& socket, const std::atomic<bool>& stopping);
std::unique_ptr<Service> makeReverse(const ServiceContext& context);

}  // namespace ft

using namespace ft;

TEST_CASE("the handler of the documented example does what its page says") {
  testing::SocketPair pair;
  const UniqueFd client = std::move(pair.theirs);
  const std::string lines = "abc\n\nxy\nno end";
  REQUIRE(::send(client.get(), lines.data(), lines.size(), 0) == static_cast<ssize_t>(lines.size()));
  ::shutdown(client.get(), SHUT_WR);
  Poco::Net::StreamSocket socket(new Poco::Net::StreamSocketImpl(pair.ours.release()));
  const std::atomic<bool> stopping{false};
  reverseLines(socket, stopping);
  std::array<char, 64> answer{};
  const ssize_t size = ::recv(client.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  REQUIRE(size > 0);
  CHECK(std::string(answer.data(), static_cast<std::size_t>(size)) == "cba\n\nyx\n");
}

TEST_CASE("a row in the table is all that a service needs besides its handler") {
  Log log(LogLevel::Error, LogFormat::Text);
  const ServicesConfig config;
  constexpr std::array kTable{ServiceRow{"reverse", makeReverse}};
  const Services services(kTable, ServiceContext{config, log, nullptr});
  REQUIRE(services.readyLines().size() == 1);
  CHECK(services.readyLines().front().starts_with("ftpd: reverse listening on 127.0.0.1:"));
}

TEST_CASE("the page of the services shows the example as it is compiled, in under 40 lines") {
  const auto textOf = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string example = textOf(FT_SOURCE_DIR "/docs/examples/reverse_service.cpp");
  REQUIRE_FALSE(example.empty());
  CHECK(std::count(example.begin(), example.end(), '\n') < 40);
  CHECK(textOf(FT_SOURCE_DIR "/docs/services.md").find(example) != std::string::npos);
}
