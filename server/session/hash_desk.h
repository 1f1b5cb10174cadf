#pragma once
// Shares the processors out among sessions that have long files to hash: a few hash at a time, in turns, however many
// want to, so that everybody else is served meanwhile; and a digest that several want is taken once. Any thread.

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace ft {

class HashDesk {
 public:
  // At most `places` hash at a time.
  explicit HashDesk(std::size_t places) : places_(places) {}

  // Given back with its destructor; the desk must outlive it.
  using Hold = std::unique_ptr<void, std::function<void(void*)>>;
  // The right to hash now; null: all places are taken, ask again later.
  Hold takePlace();
  // Has somebody asked for a place in vain since the last one was taken? Then who has had one for a while gives it up.
  bool wanted() const { return wanted_; }
  // The right to take the digest of that name, to be held until it is known to all; null: another one is at it.
  Hold claim(const std::string& name);

 private:
  const std::size_t places_;
  std::atomic<bool> wanted_{false};
  std::mutex mutex_;
  std::size_t taken_ = 0;          // under mutex_
  std::set<std::string> claimed_;  // under mutex_
};

}  // namespace ft
