#include "server/access/chores.h"

#include <algorithm>
#include <exception>

namespace ft {
namespace {

constexpr std::chrono::milliseconds kUnfinishedPause{1000};

}  // namespace

void Chores::run(const std::vector<Chore>& chores, std::chrono::milliseconds time) {
  const Clock::time_point begun = now_();
  std::vector<std::pair<Clock::time_point, const Chore*>> waiting;
  for (const Chore& chore : chores) {
    const auto due = due_.try_emplace({chore.root, chore.what}, begun + chore.begin).first->second;
    if (due <= begun) waiting.emplace_back(due, &chore);
  }
  std::stable_sort(waiting.begin(), waiting.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [due, chore] : waiting) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(begun + time - now_());
    if (left.count() <= 0) return;
    const bool done = work(*chore, left);
    due_[{chore->root, chore->what}] = now_() + (done ? chore->pause : kUnfinishedPause);
  }
}

// What has failed is done for now.
bool Chores::work(const Chore& chore, std::chrono::milliseconds time) {
  try {
    return chore.work(time);
  } catch (const std::exception& error) {
    log_.event(LogLevel::Error, "expire-failed",
               {{"root", chore.root}, {"what", chore.what}, {"reason", error.what()}});
    return true;
  }
}

}  // namespace ft
