// Whom the client trusts when a line is encrypted, and what it makes of servers that do not do as they should.

#include "client/connection/tls_client.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "client/exit_code.h"
#include "client/failures.h"
#include "common/error.h"
#include "tests/support/tls_pair.h"

using namespace ft;
using namespace ft::testing;

namespace {

using std::chrono::seconds;

const ServerAddress kServer{"files.example", 7021};

// The other end of a line: shakes hands, then says "hello" so that its session tickets arrive.
class FarEnd {
 public:
  FarEnd(UniqueFd socket, const TlsContext& context)
      : thread_([this, fd = std::move(socket), context]() mutable {
          try {
            TlsTransport line(std::move(fd), context, TlsSide::Server);
            while (!stopping_ && line.handshake() != IoResult::Status::Done) std::this_thread::yield();
            if (line.security() == nullptr) return;
            resumed = SSL_session_reused(line.ssl()) == 1;
            line.write(std::as_bytes(std::span("hello", 5)));
            while (!stopping_) std::this_thread::yield();
          } catch (const std::exception&) {
            // The client refused.
          }
        }) {}
  ~FarEnd() {
    stopping_ = true;
    thread_.join();
  }
  std::atomic<bool> resumed{false};

 private:
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::string readHello(Transport& line) {
  std::array<std::byte, 16> buffer{};
  for (;;) {
    const IoResult result = line.read(buffer);
    if (result.status == IoResult::Status::Done) return {reinterpret_cast<const char*>(buffer.data()), result.bytes};
    std::this_thread::yield();
  }
}

TlsClient::Ask noTerminal() {
  return [](const std::string&) { return std::nullopt; };
}

TrustOptions pinned(const std::string& pin) {
  TrustOptions options;
  options.pins = {pin};
  return options;
}

// What the client says to a server with this context.
std::string problemOf(TlsClient& client, const TlsContext& server) {
  const StopRequest never;
  auto [near, far] = SocketPair();
  const FarEnd end(std::move(far), server);
  try {
    client.secure(std::move(near), seconds(20), never);
  } catch (const IdentityError& error) {
    return error.what();
  }
  return "";
}

std::string fingerprintOfServer(const TlsContext& server) {
  TlsPair pair = tlsPair(server, makeTlsContext(TlsSide::Client, {}));
  shake(pair);
  return pair.client->security()->peerFingerprint;
}

}  // namespace

TEST_CASE("the later connections of a run resume the session of the first and have to show its key") {
  const TlsContext server = serverContext();
  TlsClient client(kServer, pinned(fingerprintOfServer(server)), noTerminal());
  const StopRequest never;
  for (const bool resumed : {false, true, true}) {
    auto [near, far] = SocketPair();
    const FarEnd end(std::move(far), server);
    const auto line = client.secure(std::move(near), seconds(20), never);
    CHECK(readHello(*line) == "hello");
    CHECK(end.resumed.load() == resumed);
    CHECK(line->security()->peerFingerprint == fingerprintOfServer(server));
  }
  CHECK(problemOf(client, serverContext()).find("shows another key than at the beginning") != std::string::npos);
}

TEST_CASE("a server that nobody vouches for is trusted by nobody's silence") {
  const TlsContext server = serverContext();
  TrustOptions options;
  options.knownHosts = "/nonexistent/ftpc/known_hosts";
  TlsClient silent(kServer, options, noTerminal());
  const std::string problem = problemOf(silent, server);
  CHECK(problem.find("files.example:7021 is not known yet") != std::string::npos);
  CHECK(problem.find(fingerprintOfServer(server)) != std::string::npos);
  options.knownHosts = "";
  TlsClient homeless(kServer, options, noTerminal());
  CHECK(problemOf(homeless, server).find("no key can be remembered") != std::string::npos);
}

TEST_CASE("only yes and the fingerprint itself are a yes") {
  const TlsContext server = serverContext();
  TrustOptions options;
  options.knownHosts = "/nonexistent/ftpc/known_hosts";
  for (const char* const answer : {"", "no", "y", "YES", "SHA256:AAAA"}) {
    TlsClient client(kServer, options, [&](const std::string&) { return answer; });
    CHECK(problemOf(client, server) == "files.example:7021 is not trusted");
  }
}

TEST_CASE("a server that answers a handshake with a plain refusal is quoted, and one that is busy may be tried again") {
  const StopRequest never;
  const auto answer = [&](std::string_view json) {
    auto [near, far] = SocketPair();
    std::string frame{static_cast<char>(json.size()), 0, 0, 0};
    frame += json;
    REQUIRE(::send(far.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()));
    TlsClient client(kServer, pinned("SHA256:" + std::string(43, 'A')), noTerminal());
    client.secure(std::move(near), seconds(20), never);
  };
  CHECK_THROWS_WITH_AS(answer(R"({"v":1,"ok":false,"error":"busy","message":"full"})"), "full", ServerFailure);
  CHECK_THROWS_WITH_AS(answer(R"({"v":1,"ok":false,"error":"unsupported","message":"off\u001b[2J"})"),
                       "files.example:7021 does not speak TLS here: off\\x1b[2J", IdentityError);
  CHECK_THROWS_WITH_AS(answer("not a header"),
                       "files.example:7021 does not speak TLS; --no-tls would send everything unencrypted",
                       IdentityError);
}

TEST_CASE("a server that is silent when TLS begins is given up in time") {
  const StopRequest never;
  auto [near, far] = SocketPair();
  TlsClient client(kServer, {}, noTerminal());
  try {
    client.secure(std::move(near), std::chrono::milliseconds(20), never);
    FAIL("nothing was thrown");
  } catch (const TransportError& error) {
    CHECK(error.kind() == TransportError::Kind::Timeout);
  }
}
