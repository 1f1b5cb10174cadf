#include "server/access/tenancy_state.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "server/storage/disk_failure.h"

namespace ft {
namespace {

// Bytes a second; 0 where there is no limit.
std::uint64_t rateOf(const std::shared_ptr<const AccessRules>& rules, const std::string& user) {
  const Gate gate(rules, identityOf(user));
  const auto limit = gate.limit(&UserRules::rate, "rate");
  return limit ? limit->value : 0;
}

}  // namespace

UsePlace::UsePlace(std::shared_ptr<UserUse> use, std::atomic<std::uint64_t> UserUse::*counter, const Gate::Limit& limit,
                   std::string_view what)
    : counter_(counter) {
  if (((*use).*counter).fetch_add(1) >= limit.value) {
    ((*use).*counter).fetch_sub(1);
    throw Failure(ErrorCode::Busy,
                  "this user has as many " + std::string(what) + " at once as are allowed, " +
                      std::to_string(limit.value) + " by " + limit.rule + "; try again when one has ended",
                  limit.rule);
  }
  use_ = std::move(use);
}

bool hasQuotas(const AccessRules& rules) {
  return std::any_of(rules.users.begin(), rules.users.end(),
                     [](const UserRules& user) { return user.quotaBytes.given() || user.quotaFiles.given(); });
}

TenancyState::TenancyState(std::vector<Root> roots, std::shared_ptr<const AccessRules> rules)
    : roots_(std::move(roots)), rules_(std::move(rules)) {
  counts_ = hasQuotas(*rules_);
}

std::shared_ptr<const AccessRules> TenancyState::rules() const {
  const std::lock_guard lock(rulesMutex_);
  return rules_;
}

void TenancyState::setRules(std::shared_ptr<const AccessRules> rules) {
  if (hasQuotas(*rules)) counts_ = true;
  {
    const std::lock_guard lock(rulesMutex_);
    rules_ = std::move(rules);
  }
  generation_.fetch_add(1, std::memory_order_release);
  for (const auto& area : allAreas()) area->doubt();
  setRates();
}

TenancyState::Place TenancyState::locate(const FileName& whole) const {
  if (roots_.size() == 1 && roots_.front().name.empty()) return {roots_.front().disk.get(), whole};
  const std::string& text = whole.text();
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view name = std::string_view(text).substr(0, slash);
  const auto root = std::find_if(roots_.begin(), roots_.end(), [&](const Root& each) { return each.name == name; });
  if (root == roots_.end()) throw diskFailure(ENOENT, "find", whole);
  const bool isRoot = slash == text.size();
  return {root->disk.get(), isRoot ? FileName::root() : FileName::parse(std::string_view(text).substr(slash + 1))};
}

std::shared_ptr<QuotaArea> TenancyState::openArea(const FileName& home) {
  QuotaArea::Counters counters;
  counters.folder = [this, home] { return countFolder(home); };
  counters.parts = [this, home](const std::set<std::string>& owners) {
    Usage all;
    const Place place = locate(home);
    for (const std::string& owner : owners) {
      const Usage parts = place.disk->partsOf(owner);
      all.bytes += parts.bytes;
      all.files += parts.files;
    }
    return all;
  };
  counters.removeParts = [this, home](const std::string& owner, Usage wanted) {
    locate(home).disk->removeOldestParts(owner, wanted);
  };
  std::unique_lock lock(mutex_);
  if (const auto known = areas_.find(home.text()); known != areas_.end()) return known->second;
  // Made first: whatever looks through the areas finds no empty place among them, also when memory runs out.
  auto area = std::make_shared<QuotaArea>(std::move(counters));
  areas_.emplace(home.text(), area);
  lock.unlock();
  doubt(home);  // what is above it has counted what is in it
  return area;
}

std::shared_ptr<QuotaArea> TenancyState::areaOf(const FileName& whole) const {
  if (!counts()) return nullptr;
  const std::shared_lock lock(mutex_);
  for (std::string_view name = whole.text(); !name.empty();) {
    if (const auto found = areas_.find(name); found != areas_.end()) return found->second;
    const std::size_t slash = name.rfind('/');
    name = slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
  }
  return nullptr;
}

std::vector<std::shared_ptr<QuotaArea>> TenancyState::allAreas() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<QuotaArea>> all;
  for (const auto& [name, area] : areas_) all.push_back(area);
  return all;
}

// To be used without the lock: a count, which needs it, may be holding the area's.
std::vector<std::shared_ptr<QuotaArea>> TenancyState::areasAround(const FileName& whole) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<QuotaArea>> touched;
  for (const auto& [name, area] : areas_) {
    if (name == whole.text() || isBelow(name, whole.text()) || isBelow(whole.text(), name)) touched.push_back(area);
  }
  return touched;
}

void TenancyState::doubt(const FileName& whole) const {
  for (const auto& area : areasAround(whole)) area->doubt();
}

void TenancyState::lessen(const FileName& whole) const {
  for (const auto& area : areasAround(whole)) area->lessen();
}

void TenancyState::doubtParts() const {
  for (const auto& area : allAreas()) area->doubtParts();
}

Usage TenancyState::countFolder(const FileName& whole) const {
  UsageWalk::Paths areas;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [name, area] : areas_) {
      if (isBelow(name, whole.text())) areas.insert(name.substr(whole.isRoot() ? 0 : whole.text().size() + 1));
    }
  }
  const Place place = locate(whole);
  return place.disk->usage(place.inner, areas);
}

std::shared_ptr<UserUse> TenancyState::useOf(const Identity& identity) {
  const std::unique_lock lock(mutex_);
  if (const auto known = uses_.find(identity.user); known != uses_.end()) return known->second;
  auto use = std::make_shared<UserUse>();
  use->rate.setRate(rateOf(rules(), identity.user));
  uses_.emplace(identity.user, use);
  return use;
}

void TenancyState::setRates() {
  const auto now = rules();
  const std::unique_lock lock(mutex_);
  for (const auto& [user, use] : uses_) use->rate.setRate(rateOf(now, user));
}

}  // namespace ft
