#pragma once
// Two ends of a TLS line in memory, with a certificate of their own.

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>

#include "common/tls_context.h"
#include "common/tls_transport.h"
#include "tests/support/socket_pair.h"

namespace ft::testing {

inline void giveCertificate(SSL_CTX* context, const std::string& name = "ftpd.test") {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"),
                                                           EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  X509* const raw = certificate.get();
  X509_set_version(raw, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(raw), 1);
  X509_gmtime_adj(X509_getm_notBefore(raw), -60);
  X509_gmtime_adj(X509_getm_notAfter(raw), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(raw, X509_get_subject_name(raw));
  X509_set_pubkey(raw, key.get());
  X509_sign(raw, key.get(), EVP_sha256());
  REQUIRE(SSL_CTX_use_certificate(context, raw) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(context, key.get()) == 1);
}

inline TlsContext serverContext() {
  TlsContext context = makeTlsContext(TlsSide::Server, {});
  giveCertificate(context.get());
  return context;
}

struct TlsPair {
  std::unique_ptr<TlsTransport> server;
  std::unique_ptr<TlsTransport> client;
};

inline TlsPair tlsPair(const TlsContext& server, const TlsContext& client) {
  auto [one, other] = testing::SocketPair();
  return {std::make_unique<TlsTransport>(std::move(one), server, TlsSide::Server),
          std::make_unique<TlsTransport>(std::move(other), client, TlsSide::Client)};
}

inline void shake(TlsPair& pair) {
  for (int i = 0; i < 20; ++i) {
    const bool one = pair.client->handshake() == IoResult::Status::Done;
    const bool other = pair.server->handshake() == IoResult::Status::Done;
    if (one && other) return;
  }
  FAIL("the handshake does not end");
}

inline TlsPair shakenPair() {
  TlsPair pair = tlsPair(serverContext(), makeTlsContext(TlsSide::Client, {}));
  shake(pair);
  return pair;
}

}  // namespace ft::testing
