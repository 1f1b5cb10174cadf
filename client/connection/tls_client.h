#pragma once
// The client's side of TLS: makes connections of one run secure, and decides once whether the server is the one that
// the user means. All later connections have to show the same key, and resume the first one's session.

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/connection/address.h"
#include "client/connection/known_hosts.h"
#include "client/stop_request.h"
#include "common/tls_context.h"
#include "common/transport.h"

struct ssl_st;
struct ssl_session_st;
struct x509_st;

namespace ft {

struct TrustOptions {
  std::optional<bool> tls;        // nullopt: wherever the line leaves this machine
  std::string ca;                 // file of the only authorities to trust; empty: those of this system
  std::vector<std::string> pins;  // fingerprints; nothing else is trusted when there are any
  bool acceptNew = false;         // trust a server that is not known yet without asking
  std::string certificate, key;   // files, to show to the server; both or none
  std::string knownHosts;         // path; empty: nothing can be remembered
};

class TlsClient {
 public:
  // Asks a person whether to trust; nullopt when there is nobody to ask.
  using Ask = std::function<std::optional<std::string>(const std::string& question)>;

  // Reads the files that `options` name. Throws ConfigError that names them, and Interrupted.
  TlsClient(ServerAddress server, TrustOptions options, Ask ask, const StopRequest& stop = {});
  ~TlsClient();

  // Shakes hands over a connected, non-blocking socket. Throws IdentityError when the server is not to be trusted or
  // does not speak TLS, ServerFailure when it is too busy to, TransportError and Interrupted. Any thread.
  std::unique_ptr<Transport> secure(UniqueFd socket, std::chrono::milliseconds timeout, const StopRequest& stop);

  // A session that the server offers for later connections. For OpenSSL's callback.
  void keep(ssl_session_st* session);

 private:
  void loadTrust(const StopRequest& stop);
  void loadCertificate(const StopRequest& stop);
  void prepare(ssl_st* ssl);
  void decide(ssl_st* ssl);
  void decideFirst(const x509_st& certificate, long verified, const std::string& fingerprint);
  void requirePinned(const std::string& fingerprint) const;
  void trustOnFirstUse(const std::string& fingerprint, const std::string& doubt);

  const ServerAddress server_;
  const TrustOptions options_;
  const Ask ask_;
  const KnownHosts knownHosts_;
  TlsContext context_;
  std::mutex deciding_;
  std::string trusted_;  // the fingerprint that was decided for; under deciding_
  std::mutex keeping_;
  std::vector<unsigned char> session_;  // DER; under keeping_
};

// "its certificate expired on …": what is wrong with a certificate, given what OpenSSL made of it (not X509_V_OK).
std::string certificateDoubt(const x509_st& certificate, long verified, const std::string& host);

}  // namespace ft
