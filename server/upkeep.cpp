#include "server/upkeep.h"

#include <exception>
#include <utility>

#include "common/secret.h"

namespace ft {

Upkeep::Upkeep(const Parts& parts, bool open, Reread reread, Log& log)
    : parts_(parts), open_(open), reread_(std::move(reread)), log_(log) {}

void Upkeep::begin() {
  if (parts_.access.hasAccounts()) tellAccounts();
  toldAccounts_ = parts_.access.version();
}

void Upkeep::look() {
  keepServing("tls", [this] {
    if (parts_.tls && parts_.tls->filesChanged()) reloadTls("the files have changed");
    tellCertificate();
  });
  lookAtUsers();
}

void Upkeep::reload() {
  keepServing("reload", [this] { takeConfiguration(); });
  lookAtUsers();
}

void Upkeep::expire() {
  keepServing("expire", [this] { parts_.tenancy.expire(); });
}

void Upkeep::lookAtUsers() {
  keepServing("users", [this] {
    parts_.access.reloadIfChanged();
    tellAccounts();
  });
}

void Upkeep::keepServing(const char* work, const std::function<void()>& doIt) {
  try {
    try {
      doIt();
    } catch (const std::exception& error) {
      log_.event(LogLevel::Error, "housekeeping-failed", {{"work", work}, {"reason", error.what()}});
    }
  } catch (const std::exception&) {
    // There is no memory for the line either.
  }
}

void Upkeep::takeConfiguration() {
  parts_.audit.reopen();
  std::string kept;
  if (parts_.tls && !reloadTls("SIGHUP")) kept = "the certificate";
  tellCertificate();
  try {
    parts_.access.reload();
    tellAccounts();
  } catch (const std::exception& error) {
    log_.event(LogLevel::Error, "users-refused", {{"reason", error.what()}, {"kept", "the users as they were before"}});
    kept += kept.empty() ? "the users" : " and the users";
  }
  try {
    if (!reread_) return;
    const ServerConfig fresh = reread_();
    parts_.tenancy.reload(fresh);
    parts_.access.setAnonymous(parts_.tenancy.servesAnonymous());
    parts_.rates.setRates(fresh.rate, fresh.ratePerAddress);
    if (kept.empty()) {
      log_.event(LogLevel::Info, "reload", {{"outcome", "ok"}});
    } else {
      log_.event(LogLevel::Error, "reload", {{"outcome", "partly"}, {"refused", kept}});
    }
  } catch (const std::exception& error) {
    log_.event(LogLevel::Error, "reload", {{"outcome", "failed"}, {"reason", error.what()}});
  }
}

bool Upkeep::reloadTls(const char* reason) {
  try {
    parts_.tls->reload();
    log_.event(LogLevel::Info, "tls-reloaded", {{"reason", reason}, {"fingerprint", parts_.tls->fingerprint()}});
    return true;
  } catch (const std::exception& error) {
    log_.event(LogLevel::Error, "tls-kept",
               {{"reason", error.what()}, {"consequence", "the certificate that was read before stays in use"}});
    return false;
  }
}

void Upkeep::tellCertificate() {
  std::string doubt = parts_.tls ? parts_.tls->doubt() : "";
  if (!doubt.empty() && doubt != toldDoubt_) {
    log_.event(LogLevel::Error, "tls-certificate",
               {{"reason", doubt}, {"consequence", "it is in use, and clients refuse it"}});
  }
  toldDoubt_ = std::move(doubt);
}

void Upkeep::tellAccounts() {
  const std::uint64_t version = parts_.access.version();
  if (std::exchange(toldAccounts_, version) == version) return;
  if (parts_.access.hasAccounts() && open_) {
    log_.event(LogLevel::Warn, "accounts-set-aside",
               {{"reason", "server.insecure_no_auth lets everyone do everything"}});
  }
  if (parts_.access.hasAccounts()) hideMemory();
  log_.event(LogLevel::Info, "users",
             {{"file", parts_.access.options().usersFile}, {"count", parts_.access.countAccounts()}});
}

}  // namespace ft
