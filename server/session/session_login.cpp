// Log-ins, and what a session does when somebody else is there than before.

#include "common/base64.h"
#include "common/hex.h"
#include "common/protocol.h"
#include "common/random_bytes.h"
#include "common/secret.h"
#include "server/session/session.h"
#include "server/session/session_state.h"

namespace ft {
namespace {

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

bool namesOnlyUser(const Credentials& credentials) {
  return !credentials.user.empty() && credentials.password.empty() && credentials.token.empty() &&
         credentials.key.empty();
}

}  // namespace

void Session::lookWhoIsThere() {
  if (auto other = visitor_.renewed(transport_->security())) become(std::move(other));
}

// What was begun was another one's. Puts that wait for their names get them only if the one who is there now may.
void Session::become(std::shared_ptr<const Identity> identity) {
  visitor_.become(std::move(identity));
  commitPuts();
  busy_->offers = Offers();
}

// False when the request was refused.
bool Session::admits(const Header& request, const Command& command) {
  const std::optional<Failure> failure = visitor_.refusal(request, command, transport_->security());
  if (!failure) return true;
  refuse(request, *failure);
  // What follows a refused put is not read: whoever has not logged in could send for ever.
  if (command.body == BodyRule::FromClient) endConnection();
  return false;
}

std::string Session::loginNonce() {
  if (context_.access == nullptr || !context_.access->hasAccounts() || transport_->security() != nullptr) return "";
  if (busy_->nonce.empty()) busy_->nonce = randomBytes(kLoginBindingSize);
  return toHex(busy_->nonce);
}

// Throws Failure.
void Session::startLogin(Header& request) {
  if (context_.access == nullptr) throw Failure(ErrorCode::Unsupported, "this daemon has no accounts");
  Credentials credentials = credentialsFrom(request);
  if (namesOnlyUser(credentials)) {
    visitor_.confirm(credentials.user);
    welcome(request);
    return;
  }
  const LineSecurity* const line = transport_->security();
  const LoginLine from{origin_, line != nullptr, line != nullptr ? line->binding : busy_->nonce};
  // A signature is good for one try.
  busy_->nonce.clear();
  ++loginTries_;
  const auto waker = [wake = context_.wake, number = number_] { wake(number); };
  std::shared_ptr<LoginAttempt> begun = context_.access->begin(std::move(credentials), from, waker);
  busy_->login = std::make_unique<LoggingIn>(std::move(request), std::move(begun));
  state_ = State::LogIn;
  deadlines_.awaitNothing();
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
  welcome(request);
  return Progress::Moved;
}

void Session::welcome(const Header& request) {
  settleStartup();
  record(request, {});
  Header answer = okReply(request);
  answer.user = visitor_.identity().user;
  reply(answer);
}

}  // namespace ft
