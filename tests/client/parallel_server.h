#pragma once
// A scripted server for tests of several connections.

#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "client/connection/link.h"
#include "tests/client/scripted_server.h"

namespace ft {

// A server whose connections are asked for by several threads.
struct Server {
  explicit Server(std::vector<ScriptedServer::Script> scripts) : scripted(std::move(scripts)) {}
  Link link() {
    Link::Ways ways;
    ways.connect = [this] {
      const std::lock_guard lock(mutex);
      return scripted.connect();
    };
    ways.pause = [](std::chrono::milliseconds) {};
    return Link(std::move(ways), {0, false}, never, 1);
  }

  std::mutex mutex;
  StopRequest never;
  ScriptedServer scripted;
};

}  // namespace ft
