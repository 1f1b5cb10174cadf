#include "server/network/server_tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <tuple>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "common/shown_certificate.h"
#include "common/tls_error.h"
#include "common/tls_fingerprint.h"
#include "common/unique_fd.h"
#include "server/config/moment.h"
#include "server/network/own_certificate.h"

namespace ft {
namespace {

// How long a session may be resumed. Seconds.
constexpr long kSessionTime = 2 * 60 * 60;
constexpr std::size_t kTickets = 1;
constexpr std::string_view kSessionContext = "ftpd";

struct FreeNames {
  void operator()(STACK_OF(X509_NAME) * names) const { sk_X509_NAME_pop_free(names, X509_NAME_free); }
};
using Names = std::unique_ptr<STACK_OF(X509_NAME), FreeNames>;

int noPassphrase(char*, int, int, void*) { return -1; }

// Clients without a certificate are welcome, and one that no authority has signed may be known by its fingerprint; what
// a certificate is worth is told by LineSecurity (its peerName is empty unless the chain is good).
int takeAnyCertificate(int, X509_STORE_CTX*) { return 1; }

// A client that shows a certificate shows it on every line, where it is looked at: a ticket would outlive its end.
SSL_TICKET_RETURN useTicket(SSL_SESSION* session, SSL_TICKET_STATUS status) {
  const bool good = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
  if (good && SSL_SESSION_get0_peer(session) != nullptr) return SSL_TICKET_RETURN_IGNORE_RENEW;
  switch (status) {
    case SSL_TICKET_SUCCESS: return SSL_TICKET_RETURN_USE;
    case SSL_TICKET_SUCCESS_RENEW: return SSL_TICKET_RETURN_USE_RENEW;
    default: return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
}

[[noreturn]] void refuse(const char* key, const std::string& file, const std::string& reason) {
  throw ConfigError("[tls] " + std::string(key) + ": " + escapeText(file) + ": " + reason);
}

void requireReadable(const char* key, const std::string& file) {
  const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (!opened || ::fstat(opened.get(), &info) != 0) refuse(key, file, errorText(errno));
  if (!S_ISREG(info.st_mode)) refuse(key, file, "is not a file");
}

void requirePrivate(const std::string& file) {
  struct stat info {};
  constexpr mode_t kOthers = S_IROTH | S_IWOTH | S_IWGRP;
  if (::stat(file.c_str(), &info) != 0) refuse("key", file, errorText(errno));
  if ((info.st_mode & kOthers) != 0) refuse("key", file, "others can read or replace this private key; chmod 600 it");
}

void useCertificate(SSL_CTX* context, const CertificateFiles& files) {
  requireReadable("certificate", files.certificate);
  requireReadable("key", files.key);
  requirePrivate(files.key);
  SSL_CTX_set_default_passwd_cb(context, noPassphrase);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    // OpenSSL has read it then, and finds it too weak.
    const bool read = ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL;
    const std::string reason = takeTlsReason();
    refuse("certificate", files.certificate, read ? reason : "is no certificate in PEM form: " + reason);
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const bool other = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
    const std::string reason = takeTlsReason();
    if (other) refuse("key", files.key, "is not the key of the certificate " + escapeText(files.certificate));
    refuse("key", files.key, "is no private key in PEM form without a passphrase: " + reason);
  }
}

// The time in which all certificates that a context shows are valid.
std::pair<Moment, Moment> validityOf(const SSL_CTX* context) {
  const X509* const own = SSL_CTX_get0_certificate(context);
  std::pair time(momentOf(X509_get0_notBefore(own)), momentOf(X509_get0_notAfter(own)));
  STACK_OF(X509)* chain = nullptr;
  // As the macro SSL_CTX_get0_chain_certs, which takes the context for one that is changed.
  SSL_CTX_ctrl(const_cast<SSL_CTX*>(context), SSL_CTRL_GET_CHAIN_CERTS, 0, static_cast<void*>(&chain));
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const X509* const one = sk_X509_value(chain, i);
    time.first = std::max(time.first, momentOf(X509_get0_notBefore(one)));
    time.second = std::min(time.second, momentOf(X509_get0_notAfter(one)));
  }
  return time;
}

void trustClientsOf(SSL_CTX* context, const std::string& file) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, takeAnyCertificate);
  if (file.empty()) return;
  requireReadable("client_ca", file);
  Names names(SSL_load_client_CA_file(file.c_str()));
  if (!names || SSL_CTX_load_verify_file(context, file.c_str()) != 1) {
    refuse("client_ca", file, "holds no certificates in PEM form: " + takeTlsReason());
  }
  SSL_CTX_set_client_CA_list(context, names.release());
}

}  // namespace

ServerTls::ServerTls(TlsConfig config, std::string state) : config_(std::move(config)), state_(std::move(state)) {
  loaded_ = load();
  stamps_ = stamps();
}

ServerTls::~ServerTls() = default;

std::shared_ptr<const ServerTls::Loaded> ServerTls::loaded() const {
  const std::lock_guard lock(mutex_);
  return loaded_;
}

TlsContext ServerTls::context() const { return loaded()->context; }

std::string ServerTls::fingerprint() const { return loaded()->fingerprint; }

void ServerTls::reload() {
  stamps_ = stamps();
  std::shared_ptr<const Loaded> fresh = load();
  const std::string fault = doubtOf(*fresh);
  if (!fault.empty() && doubt().empty()) throw ConfigError(fault);
  const std::lock_guard lock(mutex_);
  loaded_ = std::move(fresh);
}

std::string ServerTls::doubt() const { return doubtOf(*loaded()); }

std::string ServerTls::doubtOf(const Loaded& loaded) {
  const Moment now = thisMoment();
  const std::string start = "[tls] certificate: " + escapeText(loaded.file) + ": ";
  if (loaded.ends <= now) return start + "it ended at " + writeMoment(loaded.ends);
  if (loaded.begins > now) return start + "it begins at " + writeMoment(loaded.begins);
  return "";
}

bool ServerTls::filesChanged() {
  std::vector<Stamp> now = stamps();
  // A key and its certificate are two files; between the writing of the two they do not fit.
  const bool still = now == seen_;
  seen_ = std::move(now);
  return still && seen_ != stamps_;
}

std::shared_ptr<const ServerTls::Loaded> ServerTls::load() {
  CertificateFiles files{config_.certificate, config_.key};
  if (files.certificate.empty()) files = ownCertificate(state_);
  files_ = {files.certificate, files.key};
  if (!config_.clientCa.empty()) files_.push_back(config_.clientCa);

  auto loaded = std::make_shared<Loaded>();
  loaded->context = makeTlsContext(TlsSide::Server, {config_.only13, config_.kernelTls});
  SSL_CTX* const context = loaded->context.get();
  useCertificate(context, files);
  trustClientsOf(context, config_.clientCa);
  // Sessions live in tickets that the client keeps; the daemon holds nothing for them.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                 static_cast<unsigned>(kSessionContext.size()));
  SSL_CTX_set_timeout(context, kSessionTime);
  SSL_CTX_set_num_tickets(context, kTickets);
  SSL_CTX_set_session_ticket_cb(
      context, nullptr,
      [](SSL*, SSL_SESSION* session, const unsigned char*, std::size_t, SSL_TICKET_STATUS status, void*) {
        return useTicket(session, status);
      },
      nullptr);
  loaded->fingerprint = fingerprintOf(SSL_CTX_get0_certificate(context));
  loaded->file = files.certificate;
  std::tie(loaded->begins, loaded->ends) = validityOf(context);
  return loaded;
}

std::vector<ServerTls::Stamp> ServerTls::stamps() const {
  std::vector<Stamp> all;
  for (const std::string& path : files_) {
    struct stat info {};
    std::string version = "missing";
    if (::stat(path.c_str(), &info) == 0) {
      version = std::to_string(info.st_dev) + ' ' + std::to_string(info.st_ino) + ' ' + std::to_string(info.st_size) +
                ' ' + std::to_string(info.st_mtim.tv_sec) + '.' + std::to_string(info.st_mtim.tv_nsec) + ' ' +
                std::to_string(info.st_ctim.tv_sec) + '.' + std::to_string(info.st_ctim.tv_nsec);
    }
    all.push_back({path, std::move(version)});
  }
  return all;
}

}  // namespace ft
