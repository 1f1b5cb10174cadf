#include "common/tls_transport.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "common/tls_error.h"
#include "common/tls_fingerprint.h"
#include "tests/support/text.h"
#include "tests/support/tls_pair.h"

using namespace ft;
using namespace ft::testing;

namespace {

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 251);
  return bytes;
}

// All that can be read now.
std::vector<std::byte> readAll(Transport& transport, std::size_t piece = 64 * 1024) {
  std::vector<std::byte> all;
  std::vector<std::byte> buffer(piece);
  for (;;) {
    const IoResult result = transport.read(buffer);
    if (result.status != IoResult::Status::Done) return all;
    all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(result.bytes));
  }
}

}  // namespace

TEST_CASE("a TLS line is encrypted with a modern version, and both ends share a secret that binds log-ins to it") {
  const TlsPair pair = shakenPair();
  REQUIRE(pair.client->security() != nullptr);
  REQUIRE(pair.server->security() != nullptr);
  CHECK(pair.client->security()->protocol == "TLSv1.3");
  CHECK(pair.client->security()->cipher == "TLS_AES_128_GCM_SHA256");
  CHECK(pair.client->security()->binding.size() == 32);
  CHECK(pair.client->security()->binding == pair.server->security()->binding);
  CHECK(pair.client->security()->peerFingerprint.starts_with("SHA256:"));
  CHECK(pair.client->security()->peerName.empty());  // nobody has signed the certificate
  CHECK(pair.server->security()->peerFingerprint.empty());
  const TlsPair other = shakenPair();
  CHECK(other.client->security()->binding != pair.client->security()->binding);
}

TEST_CASE("nothing is known of a line before its handshake") {
  const TlsPair pair = tlsPair(serverContext(), makeTlsContext(TlsSide::Client, {}));
  CHECK(pair.client->security() == nullptr);
  std::array<std::byte, 16> buffer{};
  CHECK(pair.server->read(buffer).status == IoResult::Status::WouldBlockRead);
  CHECK(pair.server->buffered() == 0);
}

TEST_CASE("bytes of every size around a record arrive as they were sent") {
  const TlsPair pair = shakenPair();
  for (const std::size_t size : {1U, 16'383U, 16'384U, 16'385U, 65'535U, 65'536U, 65'537U, 100'000U}) {
    const std::vector<std::byte> sent = pattern(size);
    std::vector<std::byte> got;
    std::span<const std::byte> left = sent;
    while (!left.empty()) {
      const IoResult result = pair.client->write(left);
      if (result.status == IoResult::Status::Done) left = left.subspan(result.bytes);
      const std::vector<std::byte> more = readAll(*pair.server);
      got.insert(got.end(), more.begin(), more.end());
    }
    const std::vector<std::byte> rest = readAll(*pair.server);
    got.insert(got.end(), rest.begin(), rest.end());
    CHECK(got == sent);
  }
}

TEST_CASE("a full line says so, and goes on where it stopped when the peer has read, however little it reads") {
  for (const std::size_t piece : {1'000U, 20'000U, 300'000U}) {
    CAPTURE(piece);
    const TlsPair pair = shakenPair();
    const std::vector<std::byte> sent = pattern(3'000'000);
    std::vector<std::byte> got;
    std::vector<std::byte> buffer(piece);
    std::size_t position = 0;
    std::size_t blocked = 0;
    while (got.size() < sent.size()) {
      if (position < sent.size()) {
        const std::size_t most = std::min<std::size_t>(sent.size() - position, 256 * 1024);
        const IoResult result = pair.server->write(std::span(sent).subspan(position, most));
        if (result.status == IoResult::Status::Done) position += result.bytes;
        if (result.status == IoResult::Status::WouldBlockWrite) ++blocked;
      }
      const IoResult result = pair.client->read(buffer);
      if (result.status == IoResult::Status::Done) {
        got.insert(got.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(result.bytes));
      }
    }
    CHECK(got == sent);
    if (piece < 100'000) CHECK(blocked > 0);
  }
}

TEST_CASE("what is read ahead is told, and is not told any more once it is read") {
  const TlsPair pair = shakenPair();
  REQUIRE(pair.client->write(pattern(50'000)).bytes == 50'000);
  std::array<std::byte, 10> few{};
  REQUIRE(pair.server->read(few).bytes == 10);
  CHECK(pair.server->buffered() > 0);
  CHECK(readAll(*pair.server).size() == 49'990);
  CHECK(pair.server->buffered() == 0);
}

TEST_CASE("a goodbye is the end, also while bytes wait, and a half-closed line still answers") {
  const TlsPair pair = shakenPair();
  REQUIRE(pair.client->write(bytesOf("abc")).bytes == 3);
  pair.client->shutdownWrite();
  std::array<std::byte, 16> buffer{};
  CHECK(pair.server->read(buffer).bytes == 3);
  CHECK(pair.server->read(buffer).status == IoResult::Status::End);
  CHECK(pair.server->write(bytesOf("answer")).bytes == 6);
  CHECK(pair.client->read(buffer).bytes == 6);
}

TEST_CASE("an end that simply closes its line says goodbye") {
  TlsPair pair = shakenPair();
  pair.client.reset();
  std::array<std::byte, 16> buffer{};
  CHECK(pair.server->read(buffer).status == IoResult::Status::End);
}

TEST_CASE("a line that is cut without a goodbye never looks like its end") {
  const TlsPair pair = shakenPair();
  REQUIRE(pair.client->write(bytesOf("abc")).bytes == 3);
  ::shutdown(pair.client->fd(), SHUT_WR);
  std::array<std::byte, 16> buffer{};
  CHECK(pair.server->read(buffer).bytes == 3);
  CHECK_THROWS_AS(pair.server->read(buffer), TransportError);
  CHECK_THROWS_AS(pair.server->read(buffer), TransportError);
}

TEST_CASE("bytes that were changed on the way end the line") {
  auto [near, far] = SocketPair();
  auto [relayed, end] = SocketPair();
  TlsTransport client(std::move(near), makeTlsContext(TlsSide::Client, {}), TlsSide::Client);
  TlsTransport server(std::move(end), serverContext(), TlsSide::Server);
  const auto carry = [](int from, int to, bool change) {
    std::array<char, 65'536> buffer{};
    const ssize_t n = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n <= 0) return;
    if (change) buffer[static_cast<std::size_t>(n) - 1] ^= 1;
    CHECK(::send(to, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) == n);
  };
  for (int i = 0; i < 10 && (client.security() == nullptr || server.security() == nullptr); ++i) {
    client.handshake();
    carry(far.get(), relayed.get(), false);
    server.handshake();
    carry(relayed.get(), far.get(), false);
  }
  REQUIRE(client.write(bytesOf("abc")).bytes == 3);
  carry(far.get(), relayed.get(), false);
  REQUIRE(client.write(bytesOf("def")).bytes == 3);
  carry(far.get(), relayed.get(), true);
  std::array<std::byte, 16> buffer{};
  CHECK(server.read(buffer).bytes == 3);
  CHECK(server.buffered() > 0);
  CHECK_THROWS_WITH_AS(server.read(buffer), "TLS: bytes were changed on the way", TransportError);
}

TEST_CASE("a peer that does not speak TLS is told apart from a line that breaks") {
  auto [near, far] = SocketPair();
  TlsTransport client(std::move(near), makeTlsContext(TlsSide::Client, {}), TlsSide::Client);
  REQUIRE(client.handshake() == IoResult::Status::WouldBlockRead);
  REQUIRE(::send(far.get(), "SSH-2.0-x\r\n", 11, 0) == 11);
  CHECK_THROWS_WITH_AS(client.handshake(), "the TLS handshake failed: the other side does not speak TLS", TlsError);

  auto [one, other] = SocketPair();
  TlsTransport cut(std::move(one), makeTlsContext(TlsSide::Client, {}), TlsSide::Client);
  other.reset();
  try {
    cut.handshake();
    FAIL("nothing was thrown");
  } catch (const TlsError&) {
    FAIL("taken for a failure of TLS");
  } catch (const TransportError& error) {
    CHECK(error.kind() == TransportError::Kind::Closed);
  }
}

TEST_CASE("versions of TLS that are too old are refused") {
  const TlsContext old = makeTlsContext(TlsSide::Client, {});
  SSL_CTX_set_security_level(old.get(), 0);
  SSL_CTX_set_min_proto_version(old.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
  SSL_CTX_set_cipher_list(old.get(), "ALL:@SECLEVEL=0");
  const TlsPair pair = tlsPair(serverContext(), old);
  CHECK(pair.client->handshake() == IoResult::Status::WouldBlockRead);
  CHECK_THROWS_AS(pair.server->handshake(), TlsError);

  const TlsContext strict = makeTlsContext(TlsSide::Server, {.only13 = true});
  giveCertificate(strict.get());
  const TlsContext second = makeTlsContext(TlsSide::Client, {});
  SSL_CTX_set_max_proto_version(second.get(), TLS1_2_VERSION);
  const TlsPair other = tlsPair(strict, second);
  CHECK(other.client->handshake() == IoResult::Status::WouldBlockRead);
  CHECK_THROWS_AS(other.server->handshake(), TlsError);
  CHECK_THROWS_AS(other.client->handshake(), TlsError);
}

TEST_CASE("TLS 1.2 is spoken where the other end knows no better, and binds log-ins as well") {
  const TlsContext second = makeTlsContext(TlsSide::Client, {});
  SSL_CTX_set_max_proto_version(second.get(), TLS1_2_VERSION);
  TlsPair pair = tlsPair(serverContext(), second);
  shake(pair);
  CHECK(pair.server->security()->protocol == "TLSv1.2");
  CHECK(pair.server->security()->binding.size() == 32);
  CHECK(pair.server->security()->binding == pair.client->security()->binding);
}

TEST_CASE("a fingerprint is read with and without padding, as ftpd and as curl write it, and nothing else is") {
  const std::string digits(43, 'A');
  const std::string form = "SHA256:" + digits;
  CHECK(parseFingerprint(form) == form);
  CHECK(parseFingerprint(form + "=") == form);
  CHECK(parseFingerprint("sha256//" + digits + "=") == form);
  for (const std::string& bad : {std::string(), digits, form + "A", form + "==", "SHA256:" + digits.substr(1),
                                 "SHA256:" + digits.substr(1) + "*", "MD5:" + digits}) {
    CHECK(parseFingerprint(bad) == std::nullopt);
  }
}
