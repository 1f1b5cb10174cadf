#pragma once
// What a folder with a quota holds: counted when that is first needed, kept from then on, and promised to uploads
// before their first byte. Every change of a name in the folder happens under the area's lock, which is held for the
// moment of the change and not for the transfer. Thread-safe.
//
// A count takes as long as the folder is large. Who needs it counts; others who need it meanwhile are told NotYet, so
// that one large home does not hold every thread. Two who cannot ask again may wait, until the count has taken a
// second.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/file_name.h"
#include "server/storage/usage.h"

namespace ft {

// One user's quota, and the settings to name in a refusal.
struct QuotaLimits {
  std::optional<std::uint64_t> bytes, files;
  std::string bytesRule, filesRule;
  std::string owner;  // whose parts give way to what is new (PutSpec::owner)
};

// What an upload asks for before its first byte.
struct QuotaWish {
  Usage more;  // as if nothing were replaced, but for the number of files
  // Not empty: the same again when it is begun anew.
  std::string upload{};
  // The file whose place it is to take, and whose bytes it need not be promised; empty: none.
  std::string replaces{};
  std::uint64_t replacedBytes = 0;
  bool waits = false;  // for a count: nobody asks again
};

// What something adds to a folder, and what it removes from it.
struct UsageChange {
  Usage added, removed;
  bool whole = false;  // where the disk refuses it, nothing of it is there, not even a folder on the way
};

class QuotaArea;

// Space that an upload was promised. Gives back what it holds at its end.
class QuotaPromise {
 public:
  QuotaPromise() = default;
  // `replaces` is empty unless the promise holds what that file will give back.
  QuotaPromise(QuotaArea& area, Usage promised, std::string upload, std::string replaces)
      : area_(&area), promised_(promised), upload_(std::move(upload)), replaces_(std::move(replaces)) {}
  QuotaPromise(QuotaPromise&& other) noexcept
      : area_(std::exchange(other.area_, nullptr)),
        promised_(std::exchange(other.promised_, {})),
        upload_(std::move(other.upload_)),
        replaces_(std::move(other.replaces_)) {}
  QuotaPromise& operator=(QuotaPromise&& other) noexcept {
    std::swap(area_, other.area_);
    std::swap(promised_, other.promised_);
    std::swap(upload_, other.upload_);
    std::swap(replaces_, other.replaces_);
    return *this;
  }
  ~QuotaPromise();
  Usage promised() const { return promised_; }

 private:
  friend class QuotaArea;
  QuotaArea* area_ = nullptr;
  Usage promised_;
  std::string upload_, replaces_;
};

class QuotaArea {
 public:
  // How to learn what is on the disk: of the folder, and of the parts that these owners' cut uploads have left; and how
  // to remove the oldest parts of one, until that much is free.
  struct Counters {
    // Both may throw Failure: what needed the count is refused then, and it is tried again.
    std::function<Usage()> folder;
    std::function<Usage(const std::set<std::string>& owners)> parts;
    std::function<void(const std::string& owner, Usage wanted)> removeParts;
  };
  explicit QuotaArea(Counters counters, std::chrono::milliseconds patience = std::chrono::seconds(1))
      : counters_(std::move(counters)), patience_(patience) {}

  // From now on the parts of this owner count. Does not count.
  void addOwner(const std::string& owner);
  // Throws Failure(Quota) with the numbers when the limits do not allow that much more. `name` is what it is for. The
  // owner's oldest parts give way where that is enough. What a file gives back that is replaced is for one upload at a
  // time, or all that are staged in its place would be more than the limits. Throws Failure(Busy) where it lacks what
  // another upload in that place, or another beginning of the same upload, holds to its end.
  QuotaPromise promise(const QuotaWish& wish, const QuotaLimits& limits, const FileName& name);
  // The same, on top of what was promised to the same upload before.
  void promiseMore(QuotaPromise& promise, std::uint64_t bytes, const QuotaLimits& limits, const FileName& name);

  // One change of names. `measure` tells just before it what it adds to the area, which holds `used`, and removes from
  // it; then `make` makes it. Both run under the area's lock, so they ask nothing of it. What they throw is let
  // through.
  struct NameChange {
    std::function<UsageChange(const Usage& used)> measure;
    std::function<void()> make;
    const QuotaLimits& limits;
    const FileName& name;  // what it is for
    bool waits = false;    // for a count: nobody asks again
  };
  // Throws Failure(Quota) when the limits do not allow the change; what others were promised does not count here. Where
  // `make` has failed, the area is counted anew before it is used again, but for a refusal that has changed nothing.
  void change(const NameChange& change);

  // What is to leave an area: counted, without its lock, after it has told its version().
  struct Leaving {
    QuotaArea& area;
    std::uint64_t version;
    Usage usage;
  };
  // As `entered->change()`, by which that leaves another area; `entered` may be null. False, and nothing is done, when
  // what leaves may have changed since. Throws as change(), and Busy.
  static bool changeFrom(const Leaving& leaving, QuotaArea* entered, const NameChange& change);
  // Another one after each change.
  std::uint64_t version();

  // Something was changed that nobody has counted.
  void doubt();
  void doubtParts();
  // Something was taken away that nobody has counted, and more may be. What is known is the most that there is: it is
  // counted anew when something does not fit.
  void lessen();
  // Counts what is in doubt, and tells what the folder holds.
  Usage used();

 private:
  friend class QuotaPromise;
  // All with the lock held; the first four let go of it while they count or wait.
  void count(std::unique_lock<std::mutex>& lock, bool waits);
  void countFor(std::unique_lock<std::mutex>& lock, Usage more, const QuotaLimits& limits, bool waits);
  void countNow(std::unique_lock<std::mutex>& lock);
  void awaitCount(std::unique_lock<std::mutex>& lock, bool waits);
  // What is not in the folder yet and takes its space all the same.
  struct Held {
    Usage promised, parts;
  };
  void makeWay(Usage more, const QuotaLimits& limits);
  void require(Usage more, const Held& held, const QuotaLimits& limits, const FileName& name) const;
  UsageChange measured(const NameChange& change) const;
  UsageChange measuredAnew(std::unique_lock<std::mutex>& lock, const NameChange& change);
  // Until settle(), nobody has counted what is being changed.
  void beginChange();
  void settle(const UsageChange& change);

  const Counters counters_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable counted_;
  bool counting_ = false;
  std::chrono::steady_clock::time_point countBegun_;
  int waiting_ = 0;
  std::uint64_t version_ = 0;
  bool doubted_ = true;
  bool partsDoubted_ = true;
  bool lessened_ = false;
  Usage used_;
  Usage promised_;
  Usage parts_;
  std::set<std::string> owners_;
  std::multiset<std::string> uploads_;  // under way, as promise() names them
  std::set<std::string> replaced_;      // files whose bytes are promised already
};

}  // namespace ft
