// Who is at the other end of a session: before a log-in, through it, and after the users have changed.

#include "common/base64.h"
#include "common/hex.h"
#include "common/protocol.h"
#include "server/session/session.h"
#include "server/session/session_state.h"

namespace ft {
namespace {

// The same user with the same limits; a users file that was read again has scopes of its own.
bool isSameFor(const Identity& one, const Identity& other) {
  const bool sameScope = one.scope == other.scope || (one.scope && other.scope && *one.scope == *other.scope);
  return one.kind == other.kind && one.user == other.user && sameScope;
}

// Takes the secrets out of the header. Throws Failure(BadRequest).
Credentials credentialsFrom(Header& request) {
  Credentials credentials;
  credentials.user = request.user.value_or("");
  if (request.password) credentials.password = std::move(*request.password);
  if (request.token) credentials.token = std::move(*request.token);
  for (auto* secret : {&request.password, &request.token}) {
    if (*secret) wipe(**secret);
    secret->reset();
  }
  if (!request.key) return credentials;
  const auto key = readPublicKey(*request.key);
  const auto signature = fromBase64(request.signature.value_or(""));
  if (!key || !signature) throw Failure(ErrorCode::BadRequest, "'key' and 'signature' must be of an Ed25519 key");
  credentials.key = key->bytes;
  credentials.signature = *signature;
  return credentials;
}

}  // namespace

// A client's certificate is known once the handshake is done, which happens inside the first reads.
void Session::settleIdentity() {
  if (context_.access == nullptr) {
    identity_ = context_.everyone;
    return;
  }
  const LineSecurity* const line = transport_->security();
  const std::uint64_t version = context_.access->version();
  const bool nowEncrypted = line != nullptr && lineWasPlain_;
  const bool first = identityVersion_ == 0;
  if (!first && !nowEncrypted && version + 1 == identityVersion_) return;
  lineWasPlain_ = line == nullptr;
  identityVersion_ = version + 1;
  auto found =
      first || nowEncrypted ? context_.access->initial(origin_, line) : context_.access->now(*identity_, origin_, line);
  if (first || !isSameFor(*found, *identity_)) become(std::move(found));
  if (first && identity_->kind == Identity::Kind::Nobody) limitStartup();
}

void Session::become(std::shared_ptr<const Identity> identity) {
  if (busy_) {
    commitPuts();
    busy_->offers = Offers();
  }
  view_.reset();
  identity_ = std::move(identity);
  userBucket_ = context_.rate ? context_.rate(*identity_) : nullptr;
}

Storage& Session::storage() {
  // Which is a Local's view already.
  if (!context_.view || identity_->kind == Identity::Kind::Local) return context_.storage;
  if (!view_) view_ = context_.view(*identity_);
  return *view_;
}

std::size_t Session::mostInput() const {
  return identity_->kind == Identity::Kind::Nobody ? kMaxHeaderBeforeLogin + kLengthPrefixSize : InputBuffer::kCapacity;
}

// What the identity alone is enough to refuse.
std::optional<Failure> Session::refusal(const Header& request, const Command& command) const {
  if (request.plain && !origin_.loopback() && !context_.limits.plainAnywhere) {
    return Failure(ErrorCode::Forbidden,
                   "the plain form of the protocol is served on this machine only (server.plain_form)");
  }
  if (command.access == Access::None || identity_->kind == Identity::Kind::Local) return std::nullopt;
  if (identity_->kind == Identity::Kind::Nobody) {
    if (!origin_.loopback() && transport_->security() == nullptr) {
      return Failure(ErrorCode::Forbidden, "this daemon serves nothing in plain text here: use TLS");
    }
    return Failure(ErrorCode::Unauthenticated, "log in first");
  }
  if (command.access != Access::Exec) return std::nullopt;
  if (!context_.checkExec) return Failure(ErrorCode::Forbidden, "users have no right to exec");
  try {
    context_.checkExec(*identity_);
  } catch (const Failure& failure) {
    return failure;
  }
  return std::nullopt;
}

// False when the request was refused.
bool Session::admits(const Header& request, const Command& command) {
  const std::optional<Failure> failure = refusal(request, command);
  if (!failure) return true;
  refuse(request, *failure);
  // What follows a refused put is not read: whoever has not logged in could send for ever.
  if (command.body == BodyRule::FromClient) endConnection();
  return false;
}

std::string Session::loginNonce() {
  if (context_.access == nullptr || !context_.access->hasAccounts() || transport_->security() != nullptr) return "";
  if (busy_->nonce.empty()) busy_->nonce = randomBytes(kLoginNonceSize);
  return toHex(busy_->nonce);
}

// Throws Failure.
void Session::startLogin(Header request) {
  if (context_.access == nullptr) throw Failure(ErrorCode::Unsupported, "this daemon has no accounts");
  Credentials credentials = credentialsFrom(request);
  const LineSecurity* const line = transport_->security();
  const LoginLine from{origin_, line != nullptr, line != nullptr ? line->binding : busy_->nonce};
  // A signature is good for one try.
  busy_->nonce.clear();
  ++loginTries_;
  const auto waker = [wake = context_.wake, number = number_] { wake(number); };
  busy_->login =
      std::make_unique<LoggingIn>(std::move(request), context_.access->begin(std::move(credentials), from, waker));
  state_ = State::LogIn;
  deadline_ = TimePoint::max();  // it is ours to decide
}

Progress Session::awaitLogin() {
  std::optional<LoginResult> result = busy_->login->attempt->take();
  if (!result) return Progress::NeedEvent;
  const Header request = std::move(busy_->login->request);
  busy_->login.reset();
  enterHeader();
  if (result->failure) {
    refuse(request, *result->failure);
    if (loginTries_ >= kMaxLoginTries || result->failure->code() == ErrorCode::RateLimited) endConnection();
    return Progress::Moved;
  }
  loginTries_ = 0;
  become(std::make_shared<const Identity>(std::move(result->identity)));
  settleStartup();
  record(request, {});
  Header answer = okReply(request);
  answer.user = identity_->user;
  reply(answer);
  return Progress::Moved;
}

}  // namespace ft
