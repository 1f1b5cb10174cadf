#include "server/access/authenticator.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "common/file_time.h"
#include "common/random_bytes.h"
#include "common/secret.h"
#include "common/units.h"

namespace ft {
namespace {

using std::chrono::steady_clock;

// A client that opens many connections pays for its password once.
constexpr std::chrono::minutes kRecentTime{5};
constexpr std::size_t kPairKeySize = 32;
constexpr std::size_t kMostTokenSize = 256;
constexpr const char* kNoUser = "no user has it";

Identity nobody() { return {}; }
std::shared_ptr<const Identity> shared(Identity identity) {
  return std::make_shared<const Identity>(std::move(identity));
}
Identity user(const UserRecord& record, std::string method) {
  return {Identity::Kind::User, record.name, std::move(method), nullptr};
}

LoginResult accepted(const UserRecord& record, std::string method, std::string proof) {
  LoginResult result{user(record, std::move(method)), std::nullopt};
  result.identity.proof = std::move(proof);
  return result;
}
LoginResult accepted(const UserRecord& record, const TokenRecord& token) {
  LoginResult result = accepted(record, "token " + token.name, token.hash);
  result.identity.scope = token.scope;
  result.identity.until = token.until.value_or(Moment::max());
  return result;
}

bool isStillThere(const std::string& proof, const UserRecord& record) {
  return proof == record.password || std::any_of(record.keys.begin(), record.keys.end(),
                                                 [&](const KeyRecord& known) { return known.key.bytes == proof; });
}

const UserRecord* enabled(const UserRecord* record) {
  return record != nullptr && !record->disabled ? record : nullptr;
}

}  // namespace

Credentials::~Credentials() {
  wipe(password);
  wipe(token);
}

std::optional<LoginResult> LoginAttempt::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(result_, std::nullopt);
}

void LoginAttempt::settle(LoginResult result) {
  const std::lock_guard lock(mutex_);
  result_ = std::move(result);
}

Authenticator::Authenticator(AccessOptions options, Log& log)
    : options_(std::move(options)),
      log_(log),
      pairKey_(randomBytes(kPairKeySize)),
      anonymous_(options_.anonymous),
      users_(std::make_shared<const UserTable>()),
      penalties_(options_.penalties),
      queue_(options_.hashing) {
  reload();
}

Authenticator::~Authenticator() { stop(); }

Authenticator::CommonOnes::CommonOnes()
    : nobody(shared({})),
      loopback(shared({Identity::Kind::Local, "", "loopback", nullptr})),
      insecure(shared({Identity::Kind::Local, "", "insecure_no_auth", nullptr})),
      anonymous(shared({Identity::Kind::Anonymous, "anonymous", "none", nullptr})) {}

std::shared_ptr<const UserTable> Authenticator::users() const {
  const std::lock_guard lock(mutex_);
  return users_;
}

Authenticator::FileMark Authenticator::markOfFile() const {
  struct stat status {};
  if (::stat(options_.usersFile.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

void Authenticator::reload() {
  if (options_.usersFile.empty()) return;
  const std::lock_guard oneAtATime(reloading_);
  readFile();
}

// Under reloading_.
void Authenticator::readFile() {
  const FileMark mark = markOfFile();
  std::shared_ptr<const UserTable> table;
  std::string dummy;
  try {
    const std::string text = readUsersText(options_.usersFile);
    // Without its users a daemon might be open to all of this machine: that is never to come from a file that is lost,
    // or half written.
    if (text.empty() && (options_.mustExist || hadAccounts_)) {
      throw ConfigError(escapeText(options_.usersFile) + ": there is no such file, or it is empty");
    }
    table = std::make_shared<const UserTable>(UserTable::parse(text, escapeText(options_.usersFile)));
    if (!table->empty()) dummy = hashPassword(randomBytes(kPairKeySize), options_.cost);
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    mark_ = mark;  // the same file is not complained about again
    throw;
  }
  const std::lock_guard lock(mutex_);
  users_ = std::move(table);
  dummyHash_ = std::move(dummy);
  mark_ = mark;
  recent_.clear();
  if (!users_->empty()) hadAccounts_ = true;
  ++version_;
}

void Authenticator::setAnonymous(bool anonymous) {
  if (anonymous_.exchange(anonymous) != anonymous) ++version_;
}

void Authenticator::reloadIfChanged() {
  if (options_.usersFile.empty()) return;
  const std::lock_guard oneAtATime(reloading_);
  {
    const FileMark mark = markOfFile();
    const std::lock_guard lock(mutex_);
    if (mark == mark_) return;
  }
  try {
    readFile();
  } catch (const std::exception& error) {
    log_.event(LogLevel::Error, "users-refused", {{"reason", error.what()}, {"kept", "the users as they were before"}});
  }
}

std::shared_ptr<const Identity> Authenticator::initial(const PeerInfo& peer, const LineSecurity* line) const {
  const std::shared_ptr<const UserTable> table = users();
  std::string fault;
  if (line != nullptr && line->peerCertificate) {
    const ShownCertificate& shown = *line->peerCertificate;
    const UserRecord* const known = table->findCertificate(line->peerFingerprint, line->peerName);
    fault = faultOf(shown, known);
    if (fault.empty() && !known->disabled) {
      Identity found = user(*known, "certificate");
      found.until = shown.ends;
      return shared(std::move(found));
    }
    if (fault.empty()) fault = kNoUser;
    fault = "the certificate '" + shown.subject + "' lets nobody in: " + fault;
  }
  if (peer.uid) {
    const UserRecord* const known = table->findUid(*peer.uid);
    if (known != nullptr && !known->disabled) return shared(user(*known, "uid"));
  }
  if (options_.insecure) return common_.insecure;
  const bool open = options_.local == LocalAccess::Open || (options_.local == LocalAccess::Auto && !hadAccounts_);
  if (peer.loopback() && open) return common_.loopback;
  if (anonymous_) return common_.anonymous;
  return fault.empty() ? common_.nobody : nobodyBecause(std::move(fault));
}

std::shared_ptr<const Identity> Authenticator::nobodyBecause(std::string reason) const {
  Identity refused;
  refused.reason = std::move(reason);
  return shared(std::move(refused));
}

// Empty: it is `known`'s, and valid.
std::string Authenticator::faultOf(const ShownCertificate& shown, const UserRecord* known) const {
  const Moment moment = options_.now();
  if (shown.ends <= moment) return "it ended at " + writeMoment(shown.ends);
  if (shown.begins > moment) return "it begins at " + writeMoment(shown.begins);
  if (known != nullptr) return "";
  return shown.fault.empty() ? kNoUser : shown.fault;
}

void Authenticator::reportCertificate(const PeerInfo& peer, const LineSecurity& line) const {
  if (!line.peerCertificate || !hasAccounts()) return;
  const std::shared_ptr<const UserTable> table = users();
  const UserRecord* const known = table->findCertificate(line.peerFingerprint, line.peerName);
  std::string fault = faultOf(*line.peerCertificate, known);
  if (fault.empty() && known->disabled) fault = "the user is disabled";
  if (fault.empty()) return;
  log_.event(LogLevel::Warn, "certificate-refused",
             {{"peer", peer.name()},
              {"subject", line.peerCertificate->subject},
              {"key", line.peerFingerprint},
              {"user", known != nullptr ? known->name : ""},
              {"reason", fault}});
}

std::shared_ptr<const Identity> Authenticator::now(const Identity& identity, const PeerInfo& peer,
                                                   const LineSecurity* line) const {
  static constexpr std::string_view kTokenStart = "token ";
  const bool loggedIn =
      identity.kind == Identity::Kind::User && identity.method != "certificate" && identity.method != "uid";
  if (!loggedIn) return initial(peer, line);
  const std::shared_ptr<const UserTable> table = users();
  const UserRecord* const record = enabled(table->find(identity.user));
  if (record == nullptr) return initial(peer, line);
  if (!identity.method.starts_with(kTokenStart)) {
    return isStillThere(identity.proof, *record) ? shared(identity) : initial(peer, line);
  }
  const std::string name = identity.method.substr(kTokenStart.size());
  const auto token = std::find_if(record->tokens.begin(), record->tokens.end(),
                                  [&](const TokenRecord& candidate) { return candidate.name == name; });
  if (token == record->tokens.end() || token->hash != identity.proof) return initial(peer, line);
  if (!isExpired(*token)) return shared(accepted(*record, *token).identity);
  auto instead = initial(peer, line);
  if (instead->kind != Identity::Kind::Nobody || !instead->reason.empty()) return instead;
  return nobodyBecause("the token '" + name + "' ended at " + writeMoment(*token->until));
}

std::shared_ptr<LoginAttempt> Authenticator::begin(Credentials credentials, const LoginLine& line,
                                                   const std::function<void()>& wake) {
  const auto attempt = std::make_shared<LoginAttempt>();
  reloadIfChanged();
  if (const auto failure = refusalBefore(credentials, line)) {
    attempt->settle({nobody(), failure});
  } else if (!credentials.token.empty()) {
    attempt->settle(tryToken(credentials, line));
  } else if (!credentials.key.empty()) {
    attempt->settle(tryKey(credentials, line));
  } else if (auto known = tryRecent(credentials)) {
    attempt->settle(std::move(*known));
  } else {
    const auto shared = std::make_shared<Credentials>(std::move(credentials));
    FairQueue::Task task;
    // Made ahead: where memory has run out there is none to say so.
    const Failure unchecked(ErrorCode::Internal, "the login could not be checked; try again");
    task.run = [this, attempt, shared, line, wake, unchecked] {
      if (attempt->cancelled()) return;
      try {
        attempt->settle(tryPassword(*shared, line));
      } catch (const std::exception& error) {
        attempt->settle({nobody(), unchecked});
        tellUnchecked(line, error);
      }
      wake();
    };
    const Failure busy(ErrorCode::Busy, "too many logins at once; try again");
    task.dropped = [attempt, wake, busy] {
      attempt->settle({nobody(), busy});
      wake();
    };
    if (!queue_.add(line.peer.source(), std::move(task))) attempt->settle({nobody(), busy});
  }
  return attempt;
}

void Authenticator::tellUnchecked(const LoginLine& line, const std::exception& error) const noexcept {
  try {
    log_.event(LogLevel::Error, "login-failed", {{"peer", line.peer.name()}, {"reason", error.what()}});
  } catch (const std::exception&) {
    // There is no memory for the line either.
  }
}

// What needs no look at the users.
std::optional<Failure> Authenticator::refusalBefore(const Credentials& credentials, const LoginLine& line) {
  if (!line.encrypted && !line.peer.loopback() && !options_.insecure) {
    return Failure(ErrorCode::Forbidden, "logins are accepted over TLS or on this machine only");
  }
  const auto wait = penalties_.refusedFor(line.peer.source());
  if (wait.count() > 0) {
    return Failure(ErrorCode::RateLimited, "too many failed logins from there; try again in " +
                                               formatDuration(std::chrono::ceil<std::chrono::seconds>(wait)));
  }
  const int ways = int{!credentials.password.empty()} + int{!credentials.token.empty()} + int{!credentials.key.empty()};
  if (ways != 1) return Failure(ErrorCode::BadRequest, "login needs one of 'password', 'token' and 'key'");
  if (credentials.token.empty() && credentials.user.empty())
    return Failure(ErrorCode::BadRequest, "login needs 'user'");
  if (credentials.password.size() > kMaxPasswordSize) {
    return Failure(ErrorCode::BadRequest, "a password has at most " + std::to_string(kMaxPasswordSize) + " bytes");
  }
  if (credentials.token.size() > kMostTokenSize) return Failure(ErrorCode::BadRequest, "that is not a token");
  if (!credentials.key.empty() && line.binding.empty()) {
    return Failure(ErrorCode::BadRequest, "a login by key needs the 'nonce' of a hello on this connection");
  }
  return std::nullopt;
}

// The text is the same for all that an honest user could have mistaken, so that it tells nobody which users there are.
LoginResult Authenticator::refuse(const LoginLine& line, const std::string& name, const Fault& fault) {
  if (fault.punished) penalties_.failed(line.peer.source());
  // What is no name may be a password in the wrong place.
  const std::string shown = isUserName(name) ? name : name.empty() ? "" : "(not a name)";
  log_.event(LogLevel::Warn, "login-failed",
             {{"peer", line.peer.name()}, {"user", shown}, {"method", fault.method}, {"reason", fault.reason}});
  const std::string_view method = fault.method;
  const std::string text = method == "password" ? "the user name or the password is wrong"
                           : method == "token"  ? "the token is not valid"
                                                : "the key is not one of that user's";
  return {nobody(), Failure(ErrorCode::Unauthenticated, text)};
}

LoginResult Authenticator::tryToken(const Credentials& credentials, const LoginLine& line) {
  const std::shared_ptr<const UserTable> table = users();
  const auto [record, token] = table->findToken(tokenHash(credentials.token));
  if (record == nullptr || (!credentials.user.empty() && credentials.user != record->name)) {
    return refuse(line, credentials.user, {"token", "no such token"});
  }
  if (record->disabled) return refuse(line, record->name, {"token", "the user is disabled", false});
  if (isExpired(*token)) return refuse(line, record->name, {"token", "the token has expired", false});
  return accepted(*record, *token);
}

LoginResult Authenticator::tryKey(const Credentials& credentials, const LoginLine& line) {
  const PublicKey key{credentials.key};
  const LoginBinding kind = line.encrypted ? LoginBinding::Exporter : LoginBinding::Nonce;
  if (!isSignatureGood(key, loginMessage(kind, line.binding, credentials.user), credentials.signature)) {
    return refuse(line, credentials.user, {"key", "the signature is wrong"});
  }
  const std::shared_ptr<const UserTable> table = users();
  const UserRecord* const record = table->find(credentials.user);
  const bool known = record != nullptr && std::any_of(record->keys.begin(), record->keys.end(),
                                                      [&](const KeyRecord& one) { return one.key == key; });
  // Whoever has a key of his own guesses nothing: clients may offer several.
  if (!known) return refuse(line, credentials.user, {"key", "no such key", false});
  if (record->disabled) return refuse(line, credentials.user, {"key", "the user is disabled", false});
  return accepted(*record, "key", credentials.key);
}

std::optional<LoginResult> Authenticator::tryRecent(const Credentials& credentials) {
  std::shared_ptr<const UserTable> table;
  {
    const std::lock_guard lock(mutex_);
    table = users_;
    const auto found = recent_.find(credentials.user);
    if (found == recent_.end() || found->second.until < steady_clock::now()) return std::nullopt;
    if (!isSame(found->second.digest, pairDigest(pairKey_, credentials.user, credentials.password)))
      return std::nullopt;
  }
  const UserRecord* const record = enabled(table->find(credentials.user));
  if (record == nullptr) return std::nullopt;
  return accepted(*record, "password", record->password);
}

// On a thread of the queue.
LoginResult Authenticator::tryPassword(const Credentials& credentials, const LoginLine& line) {
  // Others of this source may have failed while this one waited.
  if (penalties_.refusedFor(line.peer.source()).count() > 0) {
    if (auto failure = refusalBefore(credentials, line)) return {nobody(), failure};
  }
  std::shared_ptr<const UserTable> table;
  std::string dummy;
  std::uint64_t version = 0;
  {
    const std::lock_guard lock(mutex_);
    table = users_;
    dummy = dummyHash_;
    version = version_;
  }
  const UserRecord* const record = table->find(credentials.user);
  const bool hasPassword = record != nullptr && !record->password.empty();
  const bool right = isPasswordRight(hasPassword ? record->password : dummy, credentials.password) && hasPassword;
  if (record == nullptr) return refuse(line, credentials.user, {"password", "no such user"});
  if (!right) return refuse(line, credentials.user, {"password", hasPassword ? "wrong password" : "the user has none"});
  if (record->disabled) return refuse(line, credentials.user, {"password", "the user is disabled"});
  {
    const std::lock_guard lock(mutex_);
    if (version == version_) {
      recent_[record->name] = {pairDigest(pairKey_, credentials.user, credentials.password),
                               steady_clock::now() + kRecentTime};
    }
  }
  return accepted(*record, "password", record->password);
}

}  // namespace ft
