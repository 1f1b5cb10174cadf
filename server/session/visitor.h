#pragma once
// Who is at the other end of a session, what they may ask for, and what they see of the storage: nobody before a
// log-in, somebody after it, and perhaps somebody else once the users have changed. Belongs to the session; one thread
// at a time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/transport.h"
#include "server/network/peer_info.h"
#include "server/session/session_context.h"

namespace ft {

struct HandedOver;

class Visitor {
 public:
  // Who is there before any log-in. Both must outlive it.
  Visitor(SessionContext& context, const PeerInfo& origin, const LineSecurity* line);

  const Identity& identity() const { return *identity_; }
  // Have they to log in before they may ask for anything?
  bool isNobody() const { return identity_->kind == Identity::Kind::Nobody; }
  // Who is there now: the users may have changed, what let them in may have ended, or the line may have become
  // encrypted and have shown a certificate. Null when nothing is different. Costs next to nothing when nothing has
  // happened.
  std::shared_ptr<const Identity> renewed(const LineSecurity* line);
  void become(std::shared_ptr<const Identity> identity);
  // Throws Failure(Unauthenticated) unless this user is there already.
  void confirm(const std::string& user) const;

  // What they see, made at first use.
  Storage& storage();
  // The rate that is shared by all connections of the same user; null: none.
  RateBucket* rate() const { return rate_.get(); }
  // How many bytes of input they may leave unread: little before a log-in.
  std::size_t mostInput() const;
  // Why they may not make this request, as far as who they are is enough to tell.
  std::optional<Failure> refusal(const Header& request, const Command& command, const LineSecurity* line) const;
  // The rule by which they may make a request that was done, in words; empty where none was asked.
  std::string ruleFor(const Header& request) const;
  // Goes with the connection to another keeper, which has to ask `confirm` from then on.
  void leave(HandedOver& handed);

 private:
  bool isLocal() const { return identity_->kind == Identity::Kind::Local; }
  std::optional<Failure> execRefusal() const;

  SessionContext& context_;
  const PeerInfo& origin_;
  std::shared_ptr<const Identity> identity_;
  std::uint64_t version_ = 0;  // of the users, when the identity was found
  std::shared_ptr<Storage> view_;
  std::shared_ptr<RateBucket> rate_;
  bool lineWasPlain_ = true;  // when the identity was found
};

}  // namespace ft
