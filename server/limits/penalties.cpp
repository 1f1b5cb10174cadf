#include "server/limits/penalties.h"

#include <algorithm>

namespace ft {

void Penalties::forget(Clock::time_point now) {
  while (!byEnd_.empty() && (byEnd_.begin()->first <= now || byEnd_.size() > limits_.sources)) {
    debts_.erase(byEnd_.begin()->second);
    byEnd_.erase(byEnd_.begin());
  }
}

std::chrono::milliseconds Penalties::refusedFor(const std::string& source) {
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = now_();
  forget(now);
  const auto found = debts_.find(source);
  if (found == debts_.end() || !found->second.refused) return std::chrono::milliseconds(0);
  return std::chrono::ceil<std::chrono::milliseconds>(found->second.until - now);
}

void Penalties::failed(const std::string& source) {
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = now_();
  forget(now);
  Debt& debt = debts_.try_emplace(source, Debt{now, false}).first->second;
  byEnd_.erase({debt.until, source});
  debt.until = std::min(std::max(debt.until, now) + limits_.each, now + limits_.most);
  // In whole seconds, or the moments between the failures would make it one more.
  debt.refused = debt.refused || std::chrono::ceil<std::chrono::seconds>(debt.until - now) >= limits_.remembered;
  byEnd_.insert({debt.until, source});
  forget(now);
}

std::size_t Penalties::count() const {
  const std::lock_guard lock(mutex_);
  return debts_.size();
}

}  // namespace ft
