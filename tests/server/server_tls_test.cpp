// The daemon's certificate, made, renewed and exchanged, and what it knows of the certificates of clients.

#include "server/network/server_tls.h"

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/error.h"
#include "server/network/negotiating_transport.h"
#include "server/network/own_certificate.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_pair.h"

using namespace ft;
using namespace ft::testing;

namespace {

class Folder {
 public:
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  const testing::TempFolder temp_;
  const std::string path_ = temp_.path().string();
};

std::string textOf(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

mode_t modeOf(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

std::string faultOf(const TlsConfig& config, const std::string& state = "") {
  try {
    ServerTls tls(config, state);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a daemon without a certificate makes one that it keeps, readable by nobody else") {
  const Folder folder;
  const std::string state = folder / "deep/state";
  const ServerTls first({}, state);
  CHECK(first.fingerprint().starts_with("SHA256:"));
  CHECK(ServerTls({}, state).fingerprint() == first.fingerprint());
  CHECK(modeOf(state) == 0700);
  CHECK(modeOf(state + "/tls") == 0700);
  CHECK(modeOf(state + "/tls/key.pem") == 0600);
  CHECK(modeOf(state + "/tls/certificate.pem") == 0600);
}

TEST_CASE("a certificate that is gone or broken is made anew for the same key") {
  const Folder folder;
  const std::string state = folder / "state";
  const std::string fingerprint = ServerTls({}, state).fingerprint();
  std::filesystem::remove(state + "/tls/certificate.pem");
  CHECK(ServerTls({}, state).fingerprint() == fingerprint);
  std::ofstream(state + "/tls/certificate.pem") << "nonsense";
  CHECK(ServerTls({}, state).fingerprint() == fingerprint);
}

TEST_CASE("a key of its own that cannot be read is an error, and never replaced") {
  const Folder folder;
  const std::string state = folder / "state";
  ServerTls({}, state);
  std::ofstream(state + "/tls/key.pem") << "nonsense";
  CHECK(faultOf({}, state).find("tls/key.pem") != std::string::npos);
  CHECK(textOf(state + "/tls/key.pem") == "nonsense");
}

TEST_CASE("files that cannot be used are named, with the key of the configuration and the reason") {
  const Folder folder;
  const CertificateFiles mine = ownCertificate(folder / "one");
  const CertificateFiles other = ownCertificate(folder / "two");
  TlsConfig config;
  config.certificate = mine.certificate;
  config.key = folder / "missing.pem";
  CHECK(faultOf(config) == "[tls] key: " + config.key + ": No such file or directory");
  config.key = other.key;
  CHECK(faultOf(config) == "[tls] key: " + config.key + ": is not the key of the certificate " + mine.certificate);
  config.key = mine.certificate;
  CHECK(
      faultOf(config).starts_with("[tls] key: " + config.key + ": is no private key in PEM form without a passphrase"));
  config.key = mine.key;
  CHECK(faultOf(config) == "");
  config.clientCa = mine.key;
  CHECK(faultOf(config).starts_with("[tls] client_ca: " + config.clientCa + ": holds no certificates in PEM form"));
  config.clientCa = "";
  config.certificate = mine.key;
  CHECK(faultOf(config).starts_with("[tls] certificate: " + config.certificate + ": is no certificate in PEM form"));
  config.certificate = mine.certificate;
  REQUIRE(::chmod(mine.key.c_str(), 0644) == 0);
  CHECK(faultOf(config) == "[tls] key: " + mine.key + ": others can read or replace this private key; chmod 600 it");
}

TEST_CASE("changed files are noticed once they have come to rest, and a bad one leaves the old in use") {
  const Folder folder;
  const CertificateFiles mine = ownCertificate(folder / "one");
  const CertificateFiles other = ownCertificate(folder / "two");
  TlsConfig config;
  config.certificate = mine.certificate;
  config.key = mine.key;
  ServerTls tls(config, "");
  const std::string before = tls.fingerprint();
  CHECK_FALSE(tls.filesChanged());
  CHECK_FALSE(tls.filesChanged());
  std::filesystem::rename(other.certificate, mine.certificate);
  CHECK_FALSE(tls.filesChanged());
  CHECK(tls.filesChanged());
  CHECK_THROWS_AS(tls.reload(), ConfigError);
  CHECK(tls.fingerprint() == before);
  CHECK_FALSE(tls.filesChanged());  // it was read, though of no use
  std::filesystem::rename(other.key, mine.key);
  CHECK_FALSE(tls.filesChanged());
  CHECK(tls.filesChanged());
  tls.reload();
  CHECK(tls.fingerprint() != before);
}

TEST_CASE("a client's certificate is known by its key, and by its name only when an authority has signed it") {
  const Folder folder;
  const CertificateFiles mine = ownCertificate(folder / "server");
  const TlsContext client = makeTlsContext(TlsSide::Client, {});
  giveCertificate(client.get(), "anna");
  TlsConfig config;
  config.certificate = mine.certificate;
  config.key = mine.key;
  {
    TlsPair pair = tlsPair(ServerTls(config, "").context(), client);
    shake(pair);
    CHECK(pair.server->security()->peerFingerprint.starts_with("SHA256:"));
    CHECK(pair.server->security()->peerName == "");
  }
  config.clientCa = folder / "clients.pem";
  FILE* const file = std::fopen(config.clientCa.c_str(), "w");
  REQUIRE(PEM_write_X509(file, SSL_CTX_get0_certificate(client.get())) == 1);
  std::fclose(file);
  const TlsContext server = ServerTls(config, "").context();
  TlsPair pair = tlsPair(server, client);
  shake(pair);
  CHECK(pair.server->security()->peerName == "anna");
  const TlsContext stranger = makeTlsContext(TlsSide::Client, {});
  giveCertificate(stranger.get(), "anna");
  TlsPair other = tlsPair(server, stranger);
  shake(other);
  CHECK(other.server->security()->peerName == "");
  TlsPair nobody = tlsPair(server, makeTlsContext(TlsSide::Client, {}));
  shake(nobody);
  CHECK(nobody.server->security()->peerFingerprint == "");
  CHECK(nobody.server->security()->peerCertificate == nullptr);
}

TEST_CASE("what a client's certificate is, how long it is valid and why it counts for nothing is known") {
  const Folder folder;
  const TlsContext client = makeTlsContext(TlsSide::Client, {});
  giveCertificate(client.get(), "anna\n<");
  TlsPair pair = tlsPair(ServerTls({}, folder / "state").context(), client);
  shake(pair);
  const auto shown = pair.server->security()->peerCertificate;
  REQUIRE(shown);
  CHECK(shown->subject == "CN=anna\\0A\\<");
  CHECK(shown->fault == "no authority that is trusted here has signed it");
  CHECK(shown->ends - shown->begins == std::chrono::seconds(3660));
}

TEST_CASE("a session is resumed, but for a client with a certificate, which is looked at each time") {
  const Folder folder;
  const TlsContext server = ServerTls({}, folder / "state").context();
  const auto isResumed = [&](const TlsContext& client) {
    TlsPair first = tlsPair(server, client);
    shake(first);
    std::array<std::byte, 1> byte{};
    first.server->write(byte);
    REQUIRE(first.client->read(byte).status == IoResult::Status::Done);
    TlsPair second = tlsPair(server, client);
    SSL_set_session(second.client->ssl(), SSL_get0_session(first.client->ssl()));
    shake(second);
    return SSL_session_reused(second.server->ssl()) == 1;
  };
  for (const int most : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(most);
    const TlsContext client = makeTlsContext(TlsSide::Client, {});
    REQUIRE(SSL_CTX_set_max_proto_version(client.get(), most) == 1);
    CHECK(isResumed(client));
    giveCertificate(client.get(), "anna");
    CHECK_FALSE(isResumed(client));
  }
}

TEST_CASE("the first bytes of a line tell TLS from every possible frame") {
  const LinePolicy both{serverContext, "", ""};
  for (int first = 0; first < 256; ++first) {
    for (const int second : {0x00, 0x02, 0x03, 0x04, 0xff}) {
      for (const int third : {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0xff}) {
        auto [near, far] = SocketPair();
        const auto line = makeNegotiatingTransport(std::move(near), both);
        const std::array<unsigned char, 4> bytes{static_cast<unsigned char>(first), static_cast<unsigned char>(second),
                                                 static_cast<unsigned char>(third), 0};
        REQUIRE(::send(far.get(), bytes.data(), bytes.size(), 0) == 4);
        std::array<std::byte, 16> buffer{};
        const bool tls = first == 0x16 && second == 0x03 && third >= 1 && third <= 4;
        CHECK(line->read(buffer).status == (tls ? IoResult::Status::WouldBlockRead : IoResult::Status::Done));
        const unsigned length = unsigned{bytes[0]} | unsigned{bytes[1]} << 8 | unsigned{bytes[2]} << 16;
        if (tls) CHECK(length > 65'536);
      }
    }
  }
}

TEST_CASE("a line that is refused gets the words, loses what it sends, and ends") {
  auto [near, far] = SocketPair();
  const LinePolicy neither{nullptr, "no plain text", "no TLS"};
  const auto line = makeNegotiatingTransport(std::move(near), neither);
  REQUIRE(::send(far.get(), "\x05\0\0\0hello", 9, 0) == 9);
  std::array<std::byte, 64> buffer{};
  CHECK(line->read(buffer).status == IoResult::Status::WouldBlockRead);
  std::array<char, 64> words{};
  REQUIRE(::recv(far.get(), words.data(), words.size(), 0) == 13);
  CHECK(std::string(words.data()) == "no plain text");
  CHECK(::recv(far.get(), words.data(), words.size(), 0) == 0);
  far.reset();
  CHECK(line->read(buffer).status == IoResult::Status::End);
}

TEST_CASE("a line is what it began as, and tells of its encryption when there is one") {
  auto [near, far] = SocketPair();
  const LinePolicy both{serverContext, "", ""};
  const auto line = makeNegotiatingTransport(std::move(near), both);
  TlsTransport client(std::move(far), makeTlsContext(TlsSide::Client, {}), TlsSide::Client);
  std::array<std::byte, 16> buffer{};
  for (int i = 0; i < 10 && line->security() == nullptr; ++i) {
    client.handshake();
    line->read(buffer);
  }
  REQUIRE(line->security() != nullptr);
  CHECK(line->rawFd() == -1);
  REQUIRE(client.handshake() == IoResult::Status::Done);
  REQUIRE(client.write(std::as_bytes(std::span("hello", 5))).bytes == 5);
  CHECK(line->read(buffer).bytes == 5);
}
