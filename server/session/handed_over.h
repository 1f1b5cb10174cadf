#pragma once
// What leaves a session with its connection, for another keeper.

#include <functional>
#include <memory>
#include <string>

#include "common/header.h"
#include "common/transport.h"
#include "server/access/identity.h"
#include "server/limits/connection_limits.h"
#include "server/log/audit_log.h"
#include "server/network/peer_info.h"
#include "server/storage/storage.h"

namespace ft {

// A connection that leaves its session.
struct HandedOver {
  std::unique_ptr<Transport> transport;
  Header request;      // the `exec` that it begins with
  std::string input;   // read already, and not looked at
  std::string output;  // replies that are not sent yet
  PeerInfo origin;     // where it comes from
  std::unique_ptr<ConnectionLimits::Place> place;
  AuditLog* audit = nullptr;  // null: nothing is written down
  Identity identity;
  // Has the identity logged in on a line that nobody else reads, with the right to run commands? Then it does not
  // matter from where.
  bool entitled = false;
  std::shared_ptr<Storage> view{};  // keeps its place among the connections of its user
  // To be called before each command: looks who that is and whether it may run commands, and sets `identity` and
  // `entitled`. Empty: all are Local. Throws Failure when it may not any more. Any thread, one at a time.
  std::function<void(HandedOver&)> confirm{};
};

}  // namespace ft
