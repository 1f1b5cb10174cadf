#pragma once
// Who somebody is: from where a connection comes, from a certificate, and from a log-in. Knows the users file and no
// sockets. Any thread may call.

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/transport.h"
#include "server/access/identity.h"
#include "server/access/password.h"
#include "server/access/users_file.h"
#include "server/config/login_config.h"
#include "server/limits/fair_queue.h"
#include "server/limits/penalties.h"
#include "server/log/log.h"
#include "server/network/peer_info.h"

namespace ft {

struct AccessOptions {
  std::string usersFile;  // empty: there are no accounts
  LocalAccess local = LocalAccess::Auto;
  bool insecure = false;   // everyone is Local, encrypted or not
  bool anonymous = false;  // who has not logged in is Anonymous, until setAnonymous() says otherwise
  FairQueue::Limits hashing{};
  PasswordCost cost{};  // that an unknown user's password costs: as much as a known one's
  PenaltyLimits penalties{};
  bool mustExist = false;                    // the users file was named: it is no mistake only when it is there
  std::function<Moment()> now = thisMoment;  // for tests. Any thread
};

// What a log-in brings along. Wiped when it goes.
struct Credentials {
  std::string user;
  std::string password, token;  // one of these, or
  std::string key, signature;   // the bytes of a public key and of what it has signed
  Credentials() = default;
  Credentials(Credentials&&) = default;
  Credentials& operator=(Credentials&&) = default;
  ~Credentials();
};

// Where a log-in comes in.
struct LoginLine {
  PeerInfo peer;
  bool encrypted = false;
  std::string binding;  // what keys sign: the line's own, or the nonce that was given out on it; empty: there is none
};

struct LoginResult {
  Identity identity;
  std::optional<Failure> failure;  // Unauthenticated, RateLimited, Busy, BadRequest, Forbidden
};

// A log-in that may take a while.
class LoginAttempt {
 public:
  // Once it is decided, and only once.
  std::optional<LoginResult> take();
  void settle(LoginResult result);
  // Nobody waits for it any more.
  void cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }

 private:
  std::mutex mutex_;
  std::optional<LoginResult> result_;
  std::atomic<bool> cancelled_{false};
};

class Authenticator {
 public:
  // Reads the users file. Throws ConfigError. `log` must outlive it.
  Authenticator(AccessOptions options, Log& log);
  ~Authenticator();

  // Before a log-in, and again when the line has become encrypted. Nobody has a reason when the line has shown a
  // certificate.
  std::shared_ptr<const Identity> initial(const PeerInfo& peer, const LineSecurity* line) const;
  // What an identity that was given earlier is now, after a change of the users or when it isOver(): the same, or what
  // initial() says, with the reason where there is one to tell.
  std::shared_ptr<const Identity> now(const Identity& identity, const PeerInfo& peer, const LineSecurity* line) const;
  // Has what let it in ended?
  bool isOver(const Identity& identity) const {
    return identity.until != Moment::max() && identity.until <= options_.now();
  }
  // Writes into the log why the certificate that the line has shown, if any, lets nobody in. For a line whose handshake
  // is done.
  void reportCertificate(const PeerInfo& peer, const LineSecurity& line) const;
  // Counts the versions of the users: while it stays the same, now() has nothing new before an identity isOver().
  std::uint64_t version() const { return version_; }

  // Begins a log-in. When it takes longer than this call, `wake` is called on another thread once it is decided.
  std::shared_ptr<LoginAttempt> begin(Credentials credentials, const LoginLine& line,
                                      const std::function<void()>& wake);
  // Log-ins that wait are given up, and nothing calls `wake` any more when this returns.
  void stop() { queue_.stop(); }

  bool hasAccounts() const { return countAccounts() > 0; }
  std::size_t countAccounts() const { return users()->all().size(); }
  const AccessOptions& options() const { return options_; }

  // Reads the file again. Throws ConfigError, or another std::exception (no memory to hash with); the users are then
  // what they were, and reloadIfChanged() waits for another file.
  void reload();
  // The rules have changed what may be done without a log-in.
  void setAnonymous(bool anonymous);
  // As reload(), if the file is another than the one that was read. What cannot be read is logged once. Any thread;
  // begin() does it, too.
  void reloadIfChanged();

 private:
  struct FileMark {
    std::uint64_t inode = 0;
    std::int64_t size = -1, mtimeNs = 0, ctimeNs = 0;
    bool operator==(const FileMark&) const = default;
  };
  // Those that are the same for every connection: most have one of them.
  struct CommonOnes {
    CommonOnes();
    const std::shared_ptr<const Identity> nobody, loopback, insecure, anonymous;
  };
  struct Recent {
    std::string digest;
    std::chrono::steady_clock::time_point until;
  };

  void readFile();
  std::shared_ptr<const UserTable> users() const;
  FileMark markOfFile() const;
  // How a log-in failed, for the log; the client learns no more than the method.
  struct Fault {
    const char* method;
    const char* reason;
    bool punished = true;
  };
  bool isExpired(const TokenRecord& token) const { return token.until && *token.until <= options_.now(); }
  std::string faultOf(const ShownCertificate& shown, const UserRecord* known) const;
  std::shared_ptr<const Identity> nobodyBecause(std::string reason) const;
  LoginResult refuse(const LoginLine& line, const std::string& user, const Fault& fault);
  void tellUnchecked(const LoginLine& line, const std::exception& error) const noexcept;
  std::optional<Failure> refusalBefore(const Credentials& credentials, const LoginLine& line);
  LoginResult tryToken(const Credentials& credentials, const LoginLine& line);
  LoginResult tryKey(const Credentials& credentials, const LoginLine& line);
  std::optional<LoginResult> tryRecent(const Credentials& credentials);
  LoginResult tryPassword(const Credentials& credentials, const LoginLine& line);

  const AccessOptions options_;
  Log& log_;
  const CommonOnes common_;
  const std::string pairKey_;
  std::atomic<std::uint64_t> version_{0};
  std::atomic<bool> hadAccounts_{false};
  std::atomic<bool> anonymous_;
  std::mutex reloading_;  // before mutex_
  mutable std::mutex mutex_;
  std::shared_ptr<const UserTable> users_;
  std::string dummyHash_;  // of no password; empty while there are no accounts
  FileMark mark_;
  std::map<std::string, Recent> recent_;  // users whose password was right a moment ago
  Penalties penalties_;
  FairQueue queue_;  // last: its threads use all the rest
};

}  // namespace ft
