#pragma once
// The way to one server over time: a connection that is made when it is needed, dropped when it broke, and made again
// after a pause.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "client/connection/client.h"
#include "client/connection/connection.h"

namespace ft {

// Pauses that grow: 0.2 s, 0.4 s, … up to 15 s, each multiplied by 0.5 to 1 at random so that many clients do not come
// back at once.
class Backoff {
 public:
  // `limit`: how many pauses there are until progress is made.
  Backoff(int limit, std::uint32_t seed) : limit_(limit), random_(seed) {}
  // The next pause; nullopt when they are used up.
  std::optional<std::chrono::milliseconds> next();
  void progressed() { used_ = 0; }
  int used() const { return used_; }

 private:
  int limit_;
  int used_ = 0;
  std::minstd_rand random_;
};

struct RetryPolicy {
  int limit = 5;
  // Also when the server was never reached.
  bool firstToo = false;
};

class Link {
 public:
  using Connect = std::function<std::unique_ptr<Connection>()>;
  // Waits; throws Interrupted. Injected, so that tests do not sleep.
  using Pause = std::function<void(std::chrono::milliseconds)>;
  // Told before each pause: what went wrong (safe to print), the pause, which try comes next.
  using Notice = std::function<void(const std::string& reason, std::chrono::milliseconds pause, int nextTry)>;

  struct Ways {
    Connect connect;
    Pause pause;
    Notice notice;
  };

  // `stop` must outlive this.
  Link(Ways ways, RetryPolicy policy, const StopRequest& stop, std::uint32_t seed = std::random_device{}());

  // Connects when there is no connection. Throws TransportError.
  Connection& connection();
  Client client() { return Client(connection()); }
  void drop() { connection_.reset(); }
  const StopRequest& stop() const { return stop_; }
  // The way to one more connection to the same server; may be used from any thread.
  const Connect& way() const { return ways_.connect; }
  // Bytes or files have come through since the last failure: the pauses begin anew.
  void progressed() { backoff_.progressed(); }

  // Runs `action` until it returns. A failure that may pass drops the connection, pauses and runs it again, while the
  // policy allows; any other, and the last one, is thrown.
  template <typename Action>
  decltype(auto) persist(Action action) {
    for (;;) {
      try {
        return action();
      } catch (const std::exception& error) {
        if (!pauseAfter(error)) throw;
      }
    }
  }
  // connection(), run so: for what is sent once only, as nobody knows how far it came.
  Connection& connect() {
    return persist([this]() -> Connection& { return connection(); });
  }

 private:
  // False when trying again is of no use or not allowed.
  bool pauseAfter(const std::exception& error);

  Ways ways_;
  RetryPolicy policy_;
  const StopRequest& stop_;
  Backoff backoff_;
  std::unique_ptr<Connection> connection_;
  bool reached_ = false;
};

}  // namespace ft
