// Turns of what is done now and then on a thread that has little time.
#include "server/access/chores.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <stdexcept>

using namespace ft;

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSlice{500};
constexpr milliseconds kSecond{1000};

struct Days {
  // A chore of `work` in all, which takes all the time that it is given.
  Chore slow(const std::string& root, milliseconds work) {
    left[root] = work;
    return {root, "parts", milliseconds(0), milliseconds(60'000), [this, root](milliseconds time) {
              const milliseconds step = std::min(time, left[root]);
              now += step;
              left[root] -= step;
              turns.push_back(root);
              return left[root].count() == 0;
            }};
  }
  milliseconds run(const std::vector<Chore>& all) {
    const auto begun = now;
    chores.run(all, kSlice);
    const auto taken = std::chrono::duration_cast<milliseconds>(now - begun);
    now += kSecond;
    return taken;
  }

  Chores::Clock::time_point now{std::chrono::hours(1)};
  std::map<std::string, milliseconds> left;
  std::vector<std::string> turns;
  std::string logged;
  Log log{LogLevel::Debug,
          LogFormat::Text,
          {[this](std::string_view line) { logged += std::string(line) + "\n"; }, std::chrono::system_clock::now}};
  Chores chores{log, [this] { return now; }};
};

}  // namespace

TEST_CASE("however many roots are slow, a round takes no longer than its slice, and all have their turn") {
  Days days;
  std::vector<Chore> all;
  for (const char* root : {"a", "b", "c", "d"}) all.push_back(days.slow(root, milliseconds(1200)));
  for (int round = 0; round < 12; ++round) CHECK(days.run(all) <= kSlice);
  for (const char* root : {"a", "b", "c", "d"}) CHECK(days.left[root].count() == 0);
  CHECK(std::vector<std::string>(days.turns.begin(), days.turns.begin() + 5) ==
        std::vector<std::string>{"a", "b", "c", "d", "a"});
}

TEST_CASE("what is done is due again after its pause, and what is new after its own beginning") {
  Days days;
  Chore chore = days.slow("a", milliseconds(10));
  chore.begin = 2 * kSecond;
  const std::vector<Chore> all{chore};
  for (const std::size_t turns : {0U, 0U, 1U, 1U, 1U}) {
    days.run(all);
    CHECK(days.turns.size() == turns);
  }
  days.now += milliseconds(60'000);
  days.run(all);
  CHECK(days.turns.size() == 2);
}

TEST_CASE("a chore that fails is logged with its root and reason, keeps no other from its turn, and is tried again") {
  Days days;
  int tries = 0;
  const Chore broken{"/srv/full", "files", milliseconds(0), 3 * kSecond, [&](milliseconds) -> bool {
                       ++tries;
                       throw std::runtime_error("No space left on device");
                     }};
  const std::vector<Chore> all{broken, days.slow("b", milliseconds(10))};
  days.run(all);
  CHECK(days.turns == std::vector<std::string>{"b"});
  CHECK(days.logged.find("expire-failed") != std::string::npos);
  CHECK(days.logged.find("/srv/full") != std::string::npos);
  CHECK(days.logged.find("No space left on device") != std::string::npos);
  for (int round = 0; round < 3; ++round) days.run(all);
  CHECK(tries == 2);
}
