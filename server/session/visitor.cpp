#include "server/session/visitor.h"

#include "common/frame.h"
#include "common/protocol.h"
#include "server/access/authenticator.h"
#include "server/session/handed_over.h"

namespace ft {
namespace {

// The same user with the same limits; a users file that was read again has scopes of its own.
bool isSameFor(const Identity& one, const Identity& other) {
  const bool sameScope = one.scope == other.scope || (one.scope && other.scope && *one.scope == *other.scope);
  return one.kind == other.kind && one.user == other.user && one.reason == other.reason && sameScope;
}

std::string logInFirst(const Identity& identity) {
  return identity.reason.empty() ? "log in first" : "log in first: " + identity.reason;
}

}  // namespace

Visitor::Visitor(SessionContext& context, const PeerInfo& origin, const LineSecurity* line)
    : context_(context), origin_(origin), lineWasPlain_(line == nullptr) {
  if (context_.access == nullptr) {
    identity_ = context_.everyone;
    return;
  }
  version_ = context_.access->version();
  become(context_.access->initial(origin_, line));
}

// A client's certificate is known once the handshake is done, which happens inside the first reads.
std::shared_ptr<const Identity> Visitor::renewed(const LineSecurity* line) {
  if (context_.access == nullptr) return nullptr;
  const std::uint64_t version = context_.access->version();
  const bool nowEncrypted = line != nullptr && lineWasPlain_;
  if (!nowEncrypted && version == version_ && !context_.access->isOver(*identity_)) return nullptr;
  lineWasPlain_ = line == nullptr;
  version_ = version;
  if (nowEncrypted) context_.access->reportCertificate(origin_, *line);
  auto found = nowEncrypted ? context_.access->initial(origin_, line) : context_.access->now(*identity_, origin_, line);
  if (!isSameFor(*found, *identity_)) return found;
  // It may end at another time now.
  identity_ = std::move(found);
  return nullptr;
}

void Visitor::become(std::shared_ptr<const Identity> identity) {
  view_.reset();
  identity_ = std::move(identity);
  rate_ = context_.rate ? context_.rate(*identity_) : nullptr;
}

void Visitor::confirm(const std::string& user) const {
  if (identity_->kind == Identity::Kind::User && identity_->user == user) return;
  const std::string& reason = identity_->reason;
  throw Failure(ErrorCode::Unauthenticated, (reason.empty() ? "nothing shows that you are this user" : reason) +
                                                "; 'password', 'token' or 'key' do");
}

Storage& Visitor::storage() {
  // Which is a Local's view already.
  if (!context_.view || isLocal()) return context_.storage;
  if (!view_) view_ = context_.view(*identity_);
  return *view_;
}

std::size_t Visitor::mostInput() const {
  return isNobody() ? kMaxHeaderBeforeLogin + kLengthPrefixSize : InputBuffer::kCapacity;
}

std::optional<Failure> Visitor::refusal(const Header& request, const Command& command, const LineSecurity* line) const {
  if (request.plain && !origin_.loopback() && !context_.plainFormAnywhere) {
    return Failure(ErrorCode::Forbidden,
                   "the plain form of the protocol is served on this machine only (server.plain_form)");
  }
  if (command.access == Access::None || isLocal()) return std::nullopt;
  if (isNobody()) {
    if (!origin_.loopback() && line == nullptr) {
      return Failure(ErrorCode::Forbidden, "this daemon serves nothing in plain text here: use TLS");
    }
    return Failure(ErrorCode::Unauthenticated, logInFirst(*identity_));
  }
  return command.access == Access::Exec ? execRefusal() : std::nullopt;
}

std::optional<Failure> Visitor::execRefusal() const {
  if (!context_.checkExec) return Failure(ErrorCode::Forbidden, "users have no right to exec");
  try {
    context_.checkExec(*identity_);
  } catch (const Failure& failure) {
    return failure;
  }
  return std::nullopt;
}

std::string Visitor::ruleFor(const Header& request) const {
  return context_.ruleOf && !isLocal() ? context_.ruleOf(*identity_, request) : "";
}

void Visitor::leave(HandedOver& handed) {
  handed.identity = *identity_;
  handed.view = std::move(view_);
  if (context_.access == nullptr) return;
  handed.confirm = [access = context_.access, may = context_.checkExec, origin = origin_](HandedOver& now) {
    const LineSecurity* const line = now.transport->security();
    now.identity = *access->now(now.identity, origin, line);
    now.entitled = now.identity.kind == Identity::Kind::User && (origin.loopback() || line != nullptr);
    if (now.identity.kind == Identity::Kind::Nobody) {
      throw Failure(ErrorCode::Unauthenticated, logInFirst(now.identity));
    }
    if (now.identity.kind != Identity::Kind::Local && may) may(now.identity);
  };
}

}  // namespace ft
