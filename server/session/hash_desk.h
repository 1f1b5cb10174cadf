#pragma once
// Shares the processors out among sessions that have long files to hash: a few hash at a time, in turns, however many
// want to, so that everybody else is served meanwhile; and a digest that several want is taken once. Any thread.

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace ft {

class HashDesk {
 public:
  // At most `places` hash at a time.
  explicit HashDesk(std::size_t places) : places_(places) {}

  // A place, or a claim, or nothing. Given back by reset() and with its end; the desk must outlive it.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept : desk_(std::exchange(other.desk_, nullptr)), name_(other.name_) {}
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { reset(); }

    explicit operator bool() const { return desk_ != nullptr; }
    void reset() noexcept;

   private:
    friend class HashDesk;
    using Names = std::set<std::string>;
    Hold(HashDesk& desk, std::optional<Names::iterator> name) : desk_(&desk), name_(name) {}

    HashDesk* desk_ = nullptr;
    std::optional<Names::iterator> name_;  // of a claim
  };
  // The right to hash now; nothing: all places are taken, ask again later.
  Hold takePlace();
  // Has somebody asked for a place in vain since the last one was taken? Then who has had one for a while gives it up.
  bool wanted() const { return wanted_; }
  // The right to take the digest of that name, to be held until it is known to all; nothing: another one is at
  // it.
  Hold claim(const std::string& name);

 private:
  const std::size_t places_;
  std::atomic<bool> wanted_{false};
  std::mutex mutex_;
  std::size_t taken_ = 0;          // under mutex_
  std::set<std::string> claimed_;  // under mutex_
};

}  // namespace ft
