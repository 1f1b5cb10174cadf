// Connections that wait for their peers, and that none is lost when memory runs out on the way to the workers.

#include "server/session/parking_lot.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <vector>

#include "server/session/hash_desk.h"
#include "server/session/segments.h"
#include "tests/support/memory_storage.h"
#include "tests/support/scarce_memory.h"
#include "tests/support/socket_pair.h"

using namespace ft;
using namespace ft::testing;
using namespace std::chrono_literals;

namespace {

// Connections whose other ends the test holds.
struct Lines {
  Lines() { context.now = std::chrono::steady_clock::now; }
  std::shared_ptr<Connection> connect() {
    SocketPair pair;
    ends.push_back(std::move(pair.ours));
    const PeerInfo peer{.address = {}, .unixSocket = true};
    return std::make_shared<Connection>(makePlainTransport(std::move(pair.theirs)), context, peer, nullptr);
  }
  MemoryStorage storage;
  Log log{LogLevel::Error, LogFormat::Text, {[](std::string_view) {}, std::chrono::system_clock::now}};
  KitPool kits{1};
  Segments segments;
  HashDesk hashes{1};
  std::atomic<bool> draining{false};
  SessionLimits limits;
  SessionContext context{.storage = storage,
                         .log = log,
                         .kits = kits,
                         .segments = segments,
                         .hashes = hashes,
                         .limits = limits,
                         .draining = draining};
  std::vector<UniqueFd> ends;
};

// Workers that have no memory for the first few connections they are given.
class ScarceWorkers {
 public:
  explicit ScarceWorkers(int failures) : failures_(failures) { taken_.reserve(8); }
  void take(std::shared_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    if (failures_-- > 0) throw std::bad_alloc();
    taken_.push_back(std::move(connection));
    changed_.notify_all();
  }
  bool have(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return taken_.size() >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int failures_;
  std::vector<std::shared_ptr<Connection>> taken_;
};

}  // namespace

TEST_CASE("a connection that could not be handed on for want of memory is handed on a tick later") {
  Lines lines;
  ScarceWorkers workers(2);
  ParkingLot lot([&](std::shared_ptr<Connection> connection) { workers.take(std::move(connection)); });
  const auto connection = lines.connect();
  lot.admit(connection);
  SUBCASE("its peer has said something") { REQUIRE(::send(lines.ends[0].get(), "x", 1, 0) == 1); }
  SUBCASE("its turn is over") { lot.park(connection, Session::Wait::Turn); }
  SUBCASE("what it waits for has happened") {
    lot.park(connection, Session::Wait::Event);
    lot.wake(connection->session.number());
  }
  SUBCASE("what it waits for happened before") {
    REQUIRE(::send(lines.ends[0].get(), "x", 1, 0) == 1);
    REQUIRE(workers.have(1));
    lot.wake(connection->session.number());
    lot.park(connection, Session::Wait::Event);
    CHECK(workers.have(2));
  }
  SUBCASE("the daemon drains") { lot.wakeAll(); }
  CHECK(workers.have(1));
  CHECK(lot.count() == 1);
}

TEST_CASE("all connections are handed on, also when there is no memory to list them at first") {
  Lines lines;
  ScarceWorkers workers(0);
  ParkingLot lot([&](std::shared_ptr<Connection> connection) { workers.take(std::move(connection)); });
  for (int i = 0; i < 2; ++i) lot.admit(lines.connect());
  {
    const ScarceMemory scarce(2 * sizeof(std::shared_ptr<Connection>));
    lot.wakeAll();
    CHECK(scarce.wasMet());
    CHECK(workers.have(1));
  }
  CHECK(workers.have(2));
}
