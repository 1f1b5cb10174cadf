#pragma once
// Failed log-ins cost their source time. Each adds to what the source owes; once that is enough to be remembered,
// log-ins from there are refused, unseen, until it has passed. As OpenSSH's PerSourcePenalties. Any thread may call.

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace ft {

struct PenaltyLimits {
  std::chrono::seconds each{5};
  std::chrono::seconds remembered{15};  // less than this is forgiven
  std::chrono::seconds most{600};
  std::size_t sources = 65'536;  // the one that owes least makes room
};

class Penalties {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Penalties(PenaltyLimits limits = {}, Clock::time_point (*now)() = Clock::now) : limits_(limits), now_(now) {}

  // How long log-ins of this source are refused from now on; 0: they are not.
  std::chrono::milliseconds refusedFor(const std::string& source);
  void failed(const std::string& source);
  std::size_t count() const;

 private:
  struct Debt {
    Clock::time_point until;
    bool refused = false;  // it has been remembered: nothing is forgiven before it has passed
  };

  void forget(Clock::time_point now);

  const PenaltyLimits limits_;
  Clock::time_point (*const now_)();
  mutable std::mutex mutex_;
  std::map<std::string, Debt> debts_;
  std::set<std::pair<Clock::time_point, std::string>> byEnd_;
};

}  // namespace ft
