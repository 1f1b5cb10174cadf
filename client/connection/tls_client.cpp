#include "client/connection/tls_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <utility>

#include "client/connection/tls_handshake.h"
#include "client/failures.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/tls_error.h"
#include "common/tls_fingerprint.h"
#include "common/tls_transport.h"

namespace ft {
namespace {

// Whom to trust is decided after the handshake, by words and not by an alert.
int acceptForNow(int, X509_STORE_CTX*) { return 1; }

int keepSession(SSL* ssl, SSL_SESSION* session) {
  static_cast<TlsClient*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0))->keep(session);
  return 0;  // it stays OpenSSL's
}

int noPassphrase(char*, int, int, void*) { return -1; }

bool isIp(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// What is no file, like a pipe of the shell, is the user's own affair.
void requirePrivate(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 077) == 0) return;
  throw ConfigError("--key " + escapeText(file) +
                    ": others than its owner may use it, and it is a secret key: chmod 600 " + escapeText(file));
}

// OpenSSL opens and reads `file`, and nothing could interrupt its wait for a pipe: one without a name, as a shell makes
// them, has to have something in it first, and everything else that is no file is refused.
void awaitFile(const std::string& option, const std::string& file, const StopRequest& stop) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0 || S_ISREG(status.st_mode)) return;
  struct statfs system {};
  const bool nameless = ::fstatfs(fd.get(), &system) == 0 && system.f_type == PIPEFS_MAGIC;
  if (!nameless) throw ConfigError(option + " " + escapeText(file) + ": is not a regular file");
  stop.await(fd.get(), POLLIN);
}

// Without the zone, which means something on this machine only.
std::string withoutZone(const std::string& host) { return host.substr(0, host.find('%')); }

}  // namespace

TlsClient::TlsClient(ServerAddress server, TrustOptions options, Ask ask, const StopRequest& stop)
    : server_(std::move(server)),
      options_(std::move(options)),
      ask_(std::move(ask)),
      knownHosts_(options_.knownHosts),
      context_(makeTlsContext(TlsSide::Client, {})) {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_ex_data(context, 0, this);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keepSession);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, acceptForNow);
  loadTrust(stop);
  loadCertificate(stop);
}

TlsClient::~TlsClient() = default;

void TlsClient::loadTrust(const StopRequest& stop) {
  if (!options_.pins.empty()) return;
  if (options_.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context_.get());
    ERR_clear_error();
    return;
  }
  awaitFile("--ca", options_.ca, stop);
  if (SSL_CTX_load_verify_file(context_.get(), options_.ca.c_str()) == 1) return;
  throw ConfigError("--ca " + escapeText(options_.ca) + ": " + takeTlsReason());
}

void TlsClient::loadCertificate(const StopRequest& stop) {
  if (options_.certificate.empty() != options_.key.empty()) {
    throw ConfigError("--cert and --key go together: a certificate is of no use without its key");
  }
  if (options_.certificate.empty()) return;
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_default_passwd_cb(context, noPassphrase);
  awaitFile("--cert", options_.certificate, stop);
  if (SSL_CTX_use_certificate_chain_file(context, options_.certificate.c_str()) != 1) {
    throw ConfigError("--cert " + escapeText(options_.certificate) + ": " + takeTlsReason());
  }
  requirePrivate(options_.key);
  awaitFile("--key", options_.key, stop);
  if (SSL_CTX_use_PrivateKey_file(context, options_.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw ConfigError("--key " + escapeText(options_.key) + ": " + takeTlsReason());
  }
}

std::unique_ptr<Transport> TlsClient::secure(UniqueFd socket, std::chrono::milliseconds timeout,
                                             const StopRequest& stop) {
  auto transport = std::make_unique<TlsTransport>(std::move(socket), context_, TlsSide::Client);
  prepare(transport->ssl());
  shakeHands(*transport, server_, timeout, stop);
  decide(transport->ssl());
  return transport;
}

void TlsClient::prepare(ssl_st* ssl) {
  std::string host = withoutZone(server_.host);
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  if (isIp(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
  }
  const std::lock_guard lock(keeping_);
  if (session_.empty()) return;
  const unsigned char* der = session_.data();
  if (SSL_SESSION* const session = d2i_SSL_SESSION(nullptr, &der, static_cast<long>(session_.size()))) {
    SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
  }
}

void TlsClient::keep(ssl_session_st* session) {
  const int size = i2d_SSL_SESSION(session, nullptr);
  if (size <= 0) return;
  const std::lock_guard lock(keeping_);
  session_.resize(static_cast<std::size_t>(size));
  unsigned char* der = session_.data();
  i2d_SSL_SESSION(session, &der);
}

void TlsClient::decide(ssl_st* ssl) {
  const X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) throw IdentityError(escapeText(server_.text()) + " shows no certificate");
  const std::string fingerprint = fingerprintOf(certificate);
  const std::lock_guard lock(deciding_);
  if (trusted_.empty()) {
    decideFirst(*certificate, SSL_get_verify_result(ssl), fingerprint);
    trusted_ = fingerprint;
  } else if (trusted_ != fingerprint) {
    throw IdentityError(escapeText(server_.text()) + " shows another key than at the beginning (" + fingerprint +
                        ", before " + trusted_ + "); start again to read it");
  }
}

void TlsClient::decideFirst(const x509_st& certificate, long verified, const std::string& fingerprint) {
  if (!options_.pins.empty()) return requirePinned(fingerprint);
  if (verified == X509_V_OK) return;
  const std::string doubt = certificateDoubt(certificate, verified, server_.host);
  if (!options_.ca.empty()) {
    throw IdentityError(escapeText(server_.text()) + " is not trusted: " + doubt + " (--ca " + escapeText(options_.ca) +
                        "; its key is " + fingerprint + ")");
  }
  trustOnFirstUse(fingerprint, doubt);
}

void TlsClient::requirePinned(const std::string& fingerprint) const {
  if (std::find(options_.pins.begin(), options_.pins.end(), fingerprint) != options_.pins.end()) return;
  throw IdentityError(escapeText(server_.text()) + " is not the server that --pin names: its key is " + fingerprint);
}

void TlsClient::trustOnFirstUse(const std::string& fingerprint, const std::string& doubt) {
  const std::string server = escapeText(server_.text());
  if (knownHosts_.path().empty()) {
    throw IdentityError(server + " cannot be trusted: " + doubt +
                        ", and without a home folder no key can be remembered; its key is " + fingerprint +
                        "; if that is right: --pin " + fingerprint);
  }
  const std::string file = escapeText(knownHosts_.path());
  if (const auto known = knownHosts_.find(server_.text())) {
    if (known->fingerprint == fingerprint) return;
    throw IdentityError("THE IDENTITY OF " + server + " HAS CHANGED. It shows the key " + fingerprint +
                        ", but the one that was trusted is " + known->fingerprint + " (" + file + ":" +
                        std::to_string(known->line) +
                        "). Someone may stand between you and it, or it was given a new key. Nothing was sent. If its "
                        "administrator confirms the new key, remove that line and connect again.");
  }
  bool trust = options_.acceptNew;
  if (!trust) {
    const auto answer = ask_("The server " + server + " is not known yet, and " + doubt + ".\nIts key is " +
                             fingerprint + "\n(on the server, `ftpd --print-fingerprint` shows it).\n" +
                             "Trust it from now on? (yes/no, or the fingerprint) ");
    if (!answer) {
      throw IdentityError(server + " is not known yet: " + doubt + ", and there is no terminal to ask on. Its key is " +
                          fingerprint + "; if that is right: --pin " + fingerprint +
                          ", or --accept-new to trust whatever it shows the first time");
    }
    trust = *answer == "yes" || parseFingerprint(*answer) == fingerprint;
  }
  if (!trust) throw IdentityError(server + " is not trusted");
  knownHosts_.add(server_.text(), fingerprint);
}

}  // namespace ft
