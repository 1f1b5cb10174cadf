#pragma once
// What is done now and then for each root, on a thread that has other things to do: a little at a time, and the one
// that has waited longest first. One thread.

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "server/log/log.h"

namespace ft {

struct Chore {
  std::string root;
  std::string what;                 // "parts", "files"; both together tell it from the others
  std::chrono::milliseconds begin;  // when it is due for the first time, from the call that brings it
  std::chrono::milliseconds pause;  // from its end to the next time
  // Works for about so long at most; whether it is done. What it throws is logged, and it is tried again after the
  // pause.
  std::function<bool(std::chrono::milliseconds time)> work;
};

class Chores {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Chores(Log& log, std::function<Clock::time_point()> now = Clock::now) : log_(log), now_(std::move(now)) {}

  // Does what is due of these for about `time` in all. What is not done by then is due again in a second, behind those
  // that were not begun.
  void run(const std::vector<Chore>& chores, std::chrono::milliseconds time);

 private:
  using Key = std::pair<std::string, std::string>;
  bool work(const Chore& chore, std::chrono::milliseconds time);

  Log& log_;
  const std::function<Clock::time_point()> now_;
  std::map<Key, Clock::time_point> due_;
};

}  // namespace ft
