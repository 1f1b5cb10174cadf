#include "server/session/worker_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "server/session/parking_lot.h"
#include "tests/support/scarce_memory.h"

using namespace ft;
using ft::testing::missNextHere;
using ft::testing::ScarceMemory;

namespace {

constexpr std::chrono::seconds kLong{30};

}  // namespace

TEST_CASE("a worker that has no memory to wait for work goes on when there is some again") {
  std::atomic<bool> scarce{true};
  std::promise<void> ran;
  WorkerPool pool("test", 1, [&](const std::shared_ptr<Connection>&) {
    if (scarce.exchange(false)) {
      missNextHere();  // what Poco allocates to wait for the next
    } else {
      ran.set_value();
    }
  });
  const ScarceMemory memory;
  pool.enqueue(nullptr);
  const auto end = std::chrono::steady_clock::now() + kLong;
  while (!memory.wasMet() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  REQUIRE(memory.wasMet());
  pool.enqueue(nullptr);
  CHECK(ran.get_future().wait_for(kLong) == std::future_status::ready);
  pool.stop();
}
