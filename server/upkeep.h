#pragma once
// What the daemon looks after beside serving: once a second, and when it is told to read its configuration again. One
// thread (the main one) calls it, but for keepServing().

#include <cstdint>
#include <functional>
#include <string>

#include "server/access/authenticator.h"
#include "server/access/tenancy.h"
#include "server/config/config.h"
#include "server/limits/rate_limit.h"
#include "server/log/audit_log.h"
#include "server/log/log.h"
#include "server/network/server_tls.h"

namespace ft {

class Upkeep {
 public:
  // The configuration as it is now; throws ConfigError.
  using Reread = std::function<ServerConfig()>;
  // What is looked after; outlives it.
  struct Parts {
    Tenancy& tenancy;
    Authenticator& access;
    ServerTls* tls;  // null: not spoken
    AuditLog& audit;
    RateLimits& rates;
  };

  // `open`: everyone may do everything (server.insecure_no_auth), accounts or not. `reread` may be empty.
  Upkeep(const Parts& parts, bool open, Reread reread, Log& log);

  // Before anybody is served: tells the log of the accounts, if there are any.
  void begin();
  // Once for each reason why clients refuse the certificate.
  void tellCertificate();
  // Looks whether the files have changed that the daemon goes by.
  void look();
  // The same, when all that can change while the daemon runs is taken from the configuration anew; what is wrong is
  // logged, and changes nothing.
  void reload();
  // Removes what has had its time. Works for about half a second at most.
  void expire();

  // Whatever becomes of such work, the connections go on: what it throws is logged. Any thread.
  void keepServing(const char* work, const std::function<void()>& doIt);

 private:
  void takeConfiguration();
  // False when the files are of no use.
  bool reloadTls(const char* reason);
  void lookAtUsers();
  void tellAccounts();

  const Parts parts_;
  const bool open_;
  const Reread reread_;
  Log& log_;
  std::uint64_t toldAccounts_ = 0;  // the version of the users that the log has
  std::string toldDoubt_;           // of the certificate, that the log has
};

}  // namespace ft
