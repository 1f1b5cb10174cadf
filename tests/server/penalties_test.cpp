// Log-ins that fail: who waits for how long, and how the work of checking them is shared out.

#include "server/limits/penalties.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <new>
#include <string>
#include <vector>

#include "server/limits/fair_queue.h"
#include "tests/support/session_peer.h"

using namespace ft;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("two failed log-ins are forgiven, and the third makes its source wait for all of them") {
  Penalties penalties({}, TestClock::now);
  penalties.failed("a");
  penalties.failed("a");
  CHECK(penalties.refusedFor("a") == milliseconds(0));
  penalties.failed("a");
  CHECK(penalties.refusedFor("a") == seconds(15));
  CHECK(penalties.refusedFor("b") == milliseconds(0));
  TestClock::advance(seconds(14));
  CHECK(penalties.refusedFor("a") == seconds(1));
  TestClock::advance(seconds(1));
  CHECK(penalties.refusedFor("a") == milliseconds(0));
  CHECK(penalties.count() == 0);
}

TEST_CASE("slow failures are forgiven one by one, and many are never more than the limit") {
  Penalties penalties({}, TestClock::now);
  for (int i = 0; i < 20; ++i) {
    penalties.failed("a");
    CHECK(penalties.refusedFor("a") == milliseconds(0));
    TestClock::advance(seconds(5));
  }
  for (int i = 0; i < 1000; ++i) penalties.failed("a");
  CHECK(penalties.refusedFor("a") == seconds(600));
}

TEST_CASE("the number of sources that are remembered is bounded, and who owes most stays") {
  PenaltyLimits limits;
  limits.sources = 10;
  Penalties penalties(limits, TestClock::now);
  for (int i = 0; i < 5; ++i) penalties.failed("worst");
  for (int i = 0; i < 1000; ++i) penalties.failed("source " + std::to_string(i));
  CHECK(penalties.count() == 10);
  CHECK(penalties.refusedFor("worst") == seconds(25));
}

TEST_CASE("sources take turns in the queue: one that asks for much waits for itself") {
  std::promise<void> gate;
  std::shared_future<void> open(gate.get_future());
  std::vector<std::string> order;
  std::vector<std::string> dropped;
  FairQueue queue({1, 6, 4});
  const auto add = [&](const std::string& source) {
    FairQueue::Task task;
    task.run = [&order, source, open] {
      open.wait();
      order.push_back(source);
    };
    task.dropped = [&dropped, source] { dropped.push_back(source); };
    return queue.add(source, std::move(task));
  };
  std::promise<void> began;
  FairQueue::Task first;
  first.run = [&] {
    began.set_value();
    open.wait();
  };
  REQUIRE(queue.add("x", std::move(first)));
  began.get_future().wait();
  for (int i = 0; i < 4; ++i) CHECK(add("a"));
  CHECK_FALSE(add("a"));  // its share is full
  CHECK(add("b"));
  CHECK(add("b"));
  CHECK_FALSE(add("b"));  // all is full
  CHECK(add("c"));        // but for who has nothing there
  CHECK(dropped == std::vector<std::string>{"a"});
  gate.set_value();
  std::promise<void> ended;
  while (!queue.add("z", {[&] { ended.set_value(); }, nullptr})) std::this_thread::yield();
  ended.get_future().wait();
  queue.stop();
  CHECK(std::vector<std::string>(order.begin(), order.begin() + 3) == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("a task that throws ends alone: those behind it are done") {
  std::promise<void> done;
  FairQueue queue({1, 8, 8});
  queue.add("a", {[] { throw std::bad_alloc(); }, nullptr});
  queue.add("a", {[&] { done.set_value(); }, nullptr});
  CHECK(done.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
}

TEST_CASE("a queue that stops drops what waits, and takes nothing more") {
  int dropped = 0;
  std::promise<void> began, gate;
  FairQueue queue({1, 8, 8});
  queue.add("x", {[&] {
                    began.set_value();
                    gate.get_future().wait();
                  },
                  nullptr});
  began.get_future().wait();
  for (int i = 0; i < 3; ++i) queue.add("a", {[] {}, [&] { ++dropped; }});
  gate.set_value();
  queue.stop();
  CHECK(dropped <= 3);
  CHECK_FALSE(queue.add("a", {[] {}, nullptr}));
}

TEST_CASE("sources that take all places with one task each keep nobody out") {
  std::promise<void> began, gate;
  const auto open = gate.get_future().share();
  std::atomic<int> ran = 0;
  int dropped = 0;
  FairQueue queue({1, 6, 4});
  REQUIRE(queue.add("x", {[&] {
                            began.set_value();
                            open.wait();
                          },
                          nullptr}));
  began.get_future().wait();
  for (int i = 0; i < 40; ++i) CHECK(queue.add("source" + std::to_string(i), {[&] { ++ran; }, [&] { ++dropped; }}));
  CHECK(dropped == 34);
  gate.set_value();
  std::promise<void> ended;
  CHECK(queue.add("z", {[&] { ended.set_value(); }, nullptr}));
  ended.get_future().wait();
  queue.stop();
  CHECK(ran + dropped == 40);
}
