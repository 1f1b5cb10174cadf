// Connections that ask for commands: how they are refused when there are too many.

#include "server/services/exec_service.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "common/frame.h"
#include "tests/support/socket_pair.h"
#include "tests/support/temp_folder.h"

using namespace ft;

namespace {

// A line whose peer has gone.
class BrokenLine : public Transport {
 public:
  IoResult read(std::span<std::byte>) override { throw TransportError(TransportError::Kind::Reset, "gone"); }
  IoResult write(std::span<const std::byte>) override { throw TransportError(TransportError::Kind::Reset, "gone"); }
  void shutdownWrite() noexcept override {}
  int fd() const noexcept override { return -1; }
  int rawFd() const noexcept override { return -1; }
};

HandedOver connectionOn(std::unique_ptr<Transport> line) {
  HandedOver connection;
  connection.transport = std::move(line);
  connection.request.cmd = "exec";
  connection.request.name = "df";
  connection.origin = {.address = {.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, .port = 1}};
  return connection;
}

// Stands where ftpd-exec listens.
UniqueFd listenAt(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listener.get(), name, sizeof address) != 0 || ::listen(listener.get(), 1) != 0) {
    throw std::runtime_error("listen");
  }
  return listener;
}

// One command session is allowed, and it is taken.
struct Full {
  std::string logged;
  Log log{LogLevel::Info,
          LogFormat::Text,
          {[this](std::string_view line) { logged += std::string(line) + "\n"; }, std::chrono::system_clock::now}};
  ServicesConfig config = oneSession();
  ExecLink link{config, log};
  ExecService service{config, link, log, {}};
  testing::SocketPair first;

  Full() { service.take(connectionOn(makePlainTransport(std::move(first.theirs)))); }

  static ServicesConfig oneSession() {
    ServicesConfig config;
    config.exec.socket = "/nonexistent/socket";
    config.exec.sessions = 1;
    return config;
  }
};

}  // namespace

TEST_CASE("a session over the limit is told that it is busy") {
  Full full;
  testing::SocketPair second;
  full.service.take(connectionOn(makePlainTransport(std::move(second.theirs))));
  std::array<char, 1024> buffer{};
  const ssize_t size = ::recv(second.ours.get(), buffer.data(), buffer.size(), 0);
  REQUIRE(size > 0);
  CHECK(std::string(buffer.data(), static_cast<std::size_t>(size)).find("\"busy\"") != std::string::npos);
  CHECK(::recv(second.ours.get(), buffer.data(), buffer.size(), 0) == 0);
}

TEST_CASE("a command whose ftpd-exec goes away is answered with the id of its request, and named in the records") {
  const testing::TempFolder folder;
  std::string logged;
  Log log{LogLevel::Info,
          LogFormat::Text,
          {[&](std::string_view line) { logged += std::string(line) + "\n"; }, std::chrono::system_clock::now}};
  AuditLog audit(log, "");
  ServicesConfig config;
  config.exec.socket = (folder.path() / "socket").string();
  config.exec.shell = true;
  const UniqueFd listener = listenAt(config.exec.socket);
  const ExecLink link(config, log);
  testing::SocketPair line;
  {
    ExecService service(config, link, log, {});
    HandedOver connection = connectionOn(makePlainTransport(std::move(line.theirs)));
    connection.request.id = "[7]";
    connection.request.name.reset();
    connection.request.shell = "sleep 60";
    connection.audit = &audit;
    service.take(std::move(connection));
    UniqueFd(::accept(listener.get(), nullptr, nullptr)).reset();
    std::array<std::byte, 1024> buffer{};
    const ssize_t size = ::recv(line.ours.get(), buffer.data(), buffer.size(), 0);
    REQUIRE(size > 0);
    const auto text = peekFrame(std::span(buffer).first(static_cast<std::size_t>(size)));
    REQUIRE(text);
    const Header reply = HeaderParser().parse(*text);
    CHECK(reply.error == "io_error");
    CHECK(reply.cmd == "exec");
    CHECK(reply.id == "[7]");
  }
  CHECK(logged.find("filename=\"sleep 60\" outcome=io_error") != std::string::npos);
}

TEST_CASE("a client that sends a byte now and then, and takes nothing of what it is owed, is given up") {
  constexpr int kRequests = 500;
  Log log{LogLevel::Error, LogFormat::Text, {[](std::string_view) {}, std::chrono::system_clock::now}};
  const ServicesConfig config = Full::oneSession();
  const ExecLink link{config, log};
  ExecService service{config, link, log, {.blockedTime = std::chrono::milliseconds(300)}};
  testing::SocketPair line;
  const int little = 4096;
  REQUIRE(::setsockopt(line.theirs.get(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little) == 0);
  HandedOver connection = connectionOn(makePlainTransport(std::move(line.theirs)));
  std::string request;
  appendFrame(request, connection.request);
  for (int i = 0; i < kRequests; ++i) connection.input += request;
  service.take(std::move(connection));
  pollfd end{line.ours.get(), 0, 0};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (std::size_t i = 0; ::poll(&end, 1, 20) == 0 && std::chrono::steady_clock::now() < deadline; ++i) {
    ::send(line.ours.get(), &request[i % request.size()], 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  CHECK((end.revents & POLLHUP) != 0);
}

TEST_CASE("refusing a peer that has gone is no failure of the daemon") {
  Full full;
  CHECK_NOTHROW(full.service.take(connectionOn(std::make_unique<BrokenLine>())));
  CHECK(full.logged.find("connection-refused") != std::string::npos);
}
