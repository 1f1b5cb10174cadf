#pragma once
// What all sessions of a daemon share, and the limits that each of them is held to.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/access/identity.h"
#include "server/limits/rate_limit.h"
#include "server/log/audit_log.h"
#include "server/log/log.h"
#include "server/session/commands.h"
#include "server/session/session_deadlines.h"
#include "server/session/session_kit.h"

namespace ft {

class Authenticator;
struct HandedOver;

// What all sessions share. Must outlive them.
struct SessionContext {
  Storage& storage;
  Log& log;
  KitPool& kits;
  Segments& segments;
  HashDesk& hashes;
  SessionLimits limits;
  // The daemon is stopping: requests that run are finished, new ones are refused.
  const std::atomic<bool>& draining;
  // Do other sessions wait for a thread? Then this one gives way between two steps.
  std::function<bool()> othersWait = [] { return false; };
  TimePoint (*now)() = std::chrono::steady_clock::now;
  // Something has happened that the session of that number waits for. Called on any thread, also when the session is
  // gone.
  std::function<void(std::uint64_t)> wake = [](std::uint64_t) {};
  // Takes connections that ask for a command of the system. Empty: they go nowhere.
  std::function<void(HandedOver)> exec{};
  bool plainFormAnywhere = false;  // is the plain form of the protocol served to other machines, too?
  std::string sandbox = "off";     // what holds of it (Sandbox::text)
  AuditLog* audit = nullptr;       // null: nothing is written down
  // What `hello` tells of the services beside files.
  std::vector<HelloService> services{};
  // Who somebody is; null: everyone is `everyone`.
  Authenticator* access = nullptr;
  std::shared_ptr<const Identity> everyone =
      std::make_shared<const Identity>(Identity{Identity::Kind::Local, "", "", nullptr});
  // The storage as an identity sees it; empty: all see `storage`.
  std::function<std::shared_ptr<Storage>(const Identity&)> view{};
  // The rate that all connections of an identity share; null where it has none. Empty: nobody has one.
  std::function<std::shared_ptr<RateBucket>(const Identity&)> rate{};
  // The rule by which an identity may do what it asks for, in words. Empty: nobody tells.
  std::function<std::string(const Identity&, const Header&)> ruleOf{};
  // Throws Failure unless the identity may run commands of the system. Empty: Local may, and no user.
  std::function<void(const Identity&)> checkExec{};
};

}  // namespace ft
