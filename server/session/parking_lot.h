#pragma once
// Where connections wait for their peers without holding a thread: one epoll set and one thread that watches it. A
// connection is either parked here or being run by exactly one worker. Made for tens of thousands of idle connections.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "common/unique_fd.h"
#include "server/limits/connection_limits.h"
#include "server/session/session.h"

namespace ft {

// A session and its place among the connections.
struct Connection {
  Connection(std::unique_ptr<Transport> transport, SessionContext& context, const PeerInfo& peer,
             std::unique_ptr<ConnectionLimits::Place> seat)
      : place(std::move(seat)), session(std::move(transport), context, peer) {}
  std::unique_ptr<ConnectionLimits::Place> place;
  Session session;
};

class ParkingLot {
 public:
  // `wake` hands a connection to the workers; it is called from the lot's thread, park(), wake() and wakeAll(), and
  // must not block. Where it throws (no memory, say) the connection must not be with the workers; it is handed on again
  // a tick later.
  using Wake = std::function<void(std::shared_ptr<Connection>)>;

  explicit ParkingLot(Wake wake);
  // Stops the thread; the connections are closed.
  ~ParkingLot();

  // Takes a new connection in, waiting for its first bytes. Any thread.
  void admit(const std::shared_ptr<Connection>& connection);
  // A worker's last act with a connection: parks it, closes it, or queues it again, as `wait` says. Any thread.
  void park(const std::shared_ptr<Connection>& connection, Session::Wait wait);

  // Something has happened that a session waits for (Session::Wait::Event). Any thread, also after the connection is
  // gone.
  void wake(std::uint64_t number);
  // Hands every parked connection to the workers, which close the idle ones when the daemon drains. Any thread.
  void wakeAll();
  // Waits until there are no connections; false when `limit` passed first.
  bool waitUntilEmpty(std::chrono::milliseconds limit);
  // Cuts every connection's line; workers that use them notice. Any thread.
  void cutAll();
  std::size_t count() const;

 private:
  struct Slot {
    std::shared_ptr<Connection> connection;
    bool parked = false;
    bool woken = false;  // while it was not parked
    bool due = false;    // while it is: to be handed on at the next tick, whatever its deadline
  };

  void watch();
  void wakeExpired(TimePoint now);
  void handOn(std::shared_ptr<Connection> connection) noexcept;
  bool arm(int operation, const Connection& connection, Session::Wait wait);
  void erase(std::uint64_t number);

  const Wake wake_;
  UniqueFd epoll_;
  UniqueFd stopEvent_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::unordered_map<std::uint64_t, Slot> slots_;
  std::uint64_t nextNumber_ = 1;
  TimePoint nextDeadline_ = TimePoint::max();  // no parked slot's deadline is earlier
  std::thread thread_;
};

}  // namespace ft
