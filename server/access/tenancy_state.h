#pragma once
// What the views of all identities share: the disks, the rules of the moment, the areas with a quota, and what users
// have in use. Thread-safe.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "server/access/gate.h"
#include "server/access/quota_area.h"
#include "server/config/access_rules.h"
#include "server/limits/rate_limit.h"
#include "server/storage/disk_storage.h"

namespace ft {

// What one user has in use at this moment.
struct UserUse {
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> transfers{0};
  RateBucket rate{0};
};

// One of the things that a user may have so many of; given back at its end.
class UsePlace {
 public:
  UsePlace() = default;
  // Throws Failure(Busy) when there are `limit` already. `what` is for its message: "connections".
  UsePlace(std::shared_ptr<UserUse> use, std::atomic<std::uint64_t> UserUse::*counter, const Gate::Limit& limit,
           std::string_view what);
  UsePlace(UsePlace&& other) noexcept : use_(std::move(other.use_)), counter_(other.counter_) {}
  UsePlace& operator=(UsePlace&& other) noexcept {
    std::swap(use_, other.use_);
    std::swap(counter_, other.counter_);
    return *this;
  }
  ~UsePlace() {
    if (use_) (*use_.*counter_).fetch_sub(1);
  }

 private:
  std::shared_ptr<UserUse> use_;
  std::atomic<std::uint64_t> UserUse::*counter_ = nullptr;
};

class TenancyState {
 public:
  struct Root {
    std::string name;  // "" for the one root of [storage]
    std::string path;
    std::unique_ptr<DiskStorage> disk;
  };

  TenancyState(std::vector<Root> roots, std::shared_ptr<const AccessRules> rules);

  std::shared_ptr<const AccessRules> rules() const;
  // Differs from before once rules() does.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // The areas are counted anew.
  void setRules(std::shared_ptr<const AccessRules> rules);

  const std::vector<Root>& roots() const { return roots_; }
  // Where a name of the whole tree is on the disks. Throws NotFound for no root's name.
  struct Place {
    DiskStorage* disk = nullptr;
    FileName inner = FileName::root();
  };
  Place locate(const FileName& whole) const;

  // Does anything have to be counted?
  bool counts() const { return counts_.load(); }
  // The area of a home; made where there is none yet.
  std::shared_ptr<QuotaArea> openArea(const FileName& home);
  // The innermost area that a name of the whole tree belongs to, or null.
  std::shared_ptr<QuotaArea> areaOf(const FileName& whole) const;
  // A folder has changed with all that is in it: what counts in or above it is counted anew.
  void doubt(const FileName& whole) const;
  // As QuotaArea::lessen(), for what counts in or above a folder from which something is removed.
  void lessen(const FileName& whole) const;
  // Parts may have expired.
  void doubtParts() const;
  // What is in a folder of the whole tree, but for areas inside of it. Throws Failure where the disk does not tell.
  Usage countFolder(const FileName& whole) const;

  // `identity` is a user or anonymous.
  std::shared_ptr<UserUse> useOf(const Identity& identity);

 private:
  std::vector<std::shared_ptr<QuotaArea>> allAreas() const;
  std::vector<std::shared_ptr<QuotaArea>> areasAround(const FileName& whole) const;
  // All users' rates as the rules have them now.
  void setRates();

  const std::vector<Root> roots_;
  mutable std::mutex rulesMutex_;
  std::shared_ptr<const AccessRules> rules_;  // under rulesMutex_
  std::atomic<std::uint64_t> generation_{1};
  std::atomic<bool> counts_{false};
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<QuotaArea>, std::less<>> areas_;  // by the folder's whole name
  std::map<std::string, std::shared_ptr<UserUse>, std::less<>> uses_;
};

// Has any user a quota?
bool hasQuotas(const AccessRules& rules);

}  // namespace ft
