#include "client/login/login.h"

#include <poll.h>

#include <algorithm>
#include <vector>

#include "client/connection/connector.h"
#include "client/connection/reply.h"
#include "client/failures.h"
#include "common/base64.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/hex.h"
#include "common/protocol.h"
#include "common/secret.h"
#include "common/secret_input.h"

namespace ft {
namespace {

// One try is left for a password.
constexpr std::size_t kMostKeys = kMaxLoginTries - 1;

// Throws LoginError for a reply that refuses.
void checkReply(const Header& reply) {
  if (reply.ok == true) return;
  const ServerFailure failure = failureFromReply(reply);
  throw LoginError(failure.code(), std::string("login refused: ") + failure.what());
}

// What ties a signature to this connection.
struct Binding {
  LoginBinding kind;
  std::string bytes;
};
Binding bindingOf(Connection& connection) {
  if (const LineSecurity* const line = connection.security()) {
    if (line->binding.size() == kLoginBindingSize) return {LoginBinding::Exporter, line->binding};
    throw LoginError(ErrorCode::Unauthenticated,
                     "a log-in by key cannot be tied to this line, which is of an old kind of TLS");
  }
  connection.queue(makeRequest("hello", FileName::root()));
  const Header reply = connection.readHeader();
  requireOk(reply);
  std::string nonce = fromHex(reply.nonce.value_or("")).value_or("");
  if (nonce.size() != kLoginBindingSize)
    throw LoginError(ErrorCode::Unauthenticated, connection.peer() + " takes no log-in by key here");
  return {LoginBinding::Nonce, std::move(nonce)};
}

}  // namespace

Login::~Login() {
  wipe(password_);
  wipe(token_);
}

void Login::begin(Connection& connection) {
  if (!options_.wanted()) return;
  const std::lock_guard lock(mutex_);
  if (connection.security() == nullptr && !staysHere(connection.fd())) {
    throw IdentityError("the line to " + connection.peer() + " is not encrypted: a log-in is not sent over it");
  }
  if (!known_) takeSecret(connection.stop());
  if (!known_) {
    findWay(connection);
    return;
  }
  connection.login(request(connection), checkReply);
}

// Secrets that were named are read at the first connection, and not before: a failure to connect needs none.
void Login::takeSecret(const StopRequest& stop) {
  const InputWait wait = [&stop](int fd) { stop.await(fd, POLLIN); };
  hideMemory();
  known_ = true;
  if (!options_.token.empty()) {
    token_ = options_.token;
  } else if (options_.tokenFile) {
    token_ = secretFromFile(*options_.tokenFile, wait);
  } else if (options_.passwordFile) {
    password_ = secretFromFile(*options_.passwordFile, wait);
  } else if (options_.passwordFd) {
    password_ = secretFromDescriptor(*options_.passwordFd, wait);
  } else if (options_.identity) {
    agentKey_ = readPublicKeyFile(*options_.identity);
    if (!agentKey_) key_.emplace(readKeyFile(*options_.identity, wait));
  } else {
    known_ = false;
  }
}

// Only a user is named: first what asks for nothing; then the password.
void Login::findWay(Connection& connection) {
  if (isKnownAlready(connection) || tryKeys(connection)) return;
  const std::string user = escapeText(*options_.user, 64);
  const std::string hint = untried_ > 0 ? refusedKeys() + ".\n" : "";
  std::optional<std::string> password;
  try {
    password = askSecret(hint + "Password of " + user + " at " + connection.peer() + ": ");
  } catch (const ConfigError&) {
    connection.stop().check();
    throw;
  }
  if (password && password->empty()) throw LoginError(ErrorCode::Unauthenticated, "no password was given");
  if (!password) {
    throw LoginError(ErrorCode::Unauthenticated,
                     whyUnknown_ + refusedKeys() +
                         ", and there is no terminal to ask for a password on: --password-file, --token-file or "
                         "--identity");
  }
  password_ = std::move(*password);
  known_ = true;
  connection.restartDeadline();
  connection.login(request(connection), checkReply);
}

bool Login::isKnownAlready(Connection& connection) {
  if (!options_.mayBeKnown) return false;
  Header name = makeRequest("login", FileName::root());
  name.user = options_.user;
  connection.queue(name);
  const Header reply = connection.readHeader();
  if (reply.ok == true) return known_ = true;
  whyUnknown_ = escapeText(reply.message.value_or(""), 400) + "; ";
  return false;
}

bool Login::tryKeys(Connection& connection) {
  for (const std::string& path : options_.usualKeys) {
    auto key = readUsualKey(path);
    if (!key) continue;
    key_.emplace(std::move(*key));
    if (!isRefused(connection, request(connection))) return known_ = true;
    refused_.push_back(key_->publicKey());
    key_.reset();
  }
  return tryAgent(connection);
}

bool Login::tryAgent(Connection& connection) {
  auto agent = SshAgent::connect(options_.agent, connection.stop());
  if (!agent) return false;
  for (const PublicKey& key : agent->keys()) {
    if (std::find(refused_.begin(), refused_.end(), key) != refused_.end()) continue;
    if (refused_.size() == kMostKeys) {
      ++untried_;
      continue;
    }
    agentKey_ = key;
    if (!isRefused(connection, request(connection))) return known_ = true;
    refused_.push_back(key);
  }
  agentKey_.reset();
  return false;
}

std::string Login::refusedKeys() const {
  const std::string user = "'" + escapeText(*options_.user, 64) + "'";
  if (refused_.empty()) return "there is no key here to log " + user + " in with";
  if (untried_ == 0) return "no key of yours lets " + user + " in (tried: " + std::to_string(refused_.size()) + ")";
  return "none of the first " + std::to_string(refused_.size()) + " of your " +
         std::to_string(refused_.size() + untried_) + " keys lets " + user +
         " in, and a server takes no more tries: name the right one, --identity FILE (for a key of the agent, its "
         "public key's file)";
}

// Waits for the answer.
bool Login::isRefused(Connection& connection, const Header& request) {
  connection.queue(request);
  const Header reply = connection.readHeader();
  if (reply.ok == true) return false;
  if (reply.error != errorName(ErrorCode::Unauthenticated)) checkReply(reply);
  return true;
}

Header Login::request(Connection& connection) {
  Header request = makeRequest("login", FileName::root());
  request.user = options_.user;
  if (!token_.empty()) {
    request.token = token_;
  } else if (!password_.empty()) {
    request.password = password_;
  } else if (key_ || agentKey_) {
    const Binding binding = bindingOf(connection);
    const std::string message = loginMessage(binding.kind, binding.bytes, options_.user.value_or(""));
    request.key = writePublicKey(key_ ? key_->publicKey() : *agentKey_);
    request.signature = base64(sign(message, connection.stop()));
  }
  return request;
}

std::string Login::sign(std::string_view message, const StopRequest& stop) {
  if (key_) return key_->sign(message);
  auto agent = SshAgent::connect(options_.agent, stop);
  const auto signature = agent ? agent->sign(*agentKey_, message) : std::nullopt;
  if (!signature) throw LoginError(ErrorCode::Unauthenticated, "ssh-agent does not sign with its key");
  return *signature;
}

}  // namespace ft
