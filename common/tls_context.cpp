#include "common/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>

#include "common/tls_error.h"

namespace ft {
namespace {

// AES-128 is as far out of reach as AES-256 and a quarter faster.
constexpr const char* kSuites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
// 112 bits at least: no short RSA keys, no SHA-1.
constexpr int kSecurityLevel = 2;
// What one read takes from the socket, several records at once. It is held only while there is something in it. Bytes.
constexpr std::size_t kReadAhead = 120 * 1024;

void require(bool done, const char* what) {
  if (!done) throw TlsError(std::string(what) + ": " + takeTlsReason());
}

}  // namespace

TlsContext makeTlsContext(TlsSide side, const TlsOptions& options) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(side == TlsSide::Server ? TLS_server_method() : TLS_client_method()), SSL_CTX_free);
  require(context != nullptr, "TLS cannot be used");
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_security_level(raw, kSecurityLevel);
  require(SSL_CTX_set_min_proto_version(raw, options.only13 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1, "TLS version");
  require(SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) == 1, "TLS version");
  require(SSL_CTX_set_ciphersuites(raw, kSuites13) == 1, "TLS 1.3 ciphers");
  require(SSL_CTX_set_cipher_list(raw, kCiphers12) == 1, "TLS 1.2 ciphers");
  // As the macro SSL_CTX_set1_groups_list, which takes the list for one that may be changed.
  require(SSL_CTX_ctrl(raw, SSL_CTRL_SET_GROUPS_LIST, 0, const_cast<char*>(kGroups)) == 1, "TLS groups");
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
  if (options.kernelTls) SSL_CTX_set_options(raw, SSL_OP_ENABLE_KTLS);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_default_read_buffer_len(raw, kReadAhead);
  return context;
}

}  // namespace ft
