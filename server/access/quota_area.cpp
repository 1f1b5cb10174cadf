#include "server/access/quota_area.h"

#include <algorithm>

#include "common/error.h"
#include "common/units.h"
#include "server/storage/disk_failure.h"

namespace ft {
namespace {

std::string exact(std::uint64_t count) { return std::to_string(count) + " bytes (" + formatSize(count) + ")"; }

std::uint64_t less(std::uint64_t a, std::uint64_t b) { return a - std::min(a, b); }

bool fits(std::uint64_t there, std::uint64_t more, std::uint64_t limit) {
  return there <= limit && more <= limit - there;
}

}  // namespace

QuotaPromise::~QuotaPromise() {
  if (area_ == nullptr) return;
  const std::lock_guard lock(area_->mutex_);
  area_->promised_.bytes = less(area_->promised_.bytes, promised_.bytes);
  area_->promised_.files = less(area_->promised_.files, promised_.files);
}

void QuotaArea::addOwner(const std::string& owner) {
  const std::lock_guard lock(mutex_);
  if (owners_.insert(owner).second) partsDoubted_ = true;
}

void QuotaArea::count() {
  if (doubted_) used_ = counters_.folder();
  if (partsDoubted_) parts_ = counters_.parts(owners_);
  doubted_ = partsDoubted_ = false;
}

void QuotaArea::require(Usage more, Usage others, const QuotaLimits& limits, const FileName& name) const {
  const Usage there{used_.bytes + others.bytes, used_.files + others.files};
  if (limits.bytes && more.bytes > 0 && !fits(there.bytes, more.bytes, *limits.bytes)) {
    throw Failure(ErrorCode::Quota,
                  "no space for " + shownName(name) + ": " + exact(more.bytes) + " more are needed, and of the " +
                      exact(*limits.bytes) + " of " + limits.bytesRule + " " + std::to_string(used_.bytes) +
                      " are used and " + std::to_string(others.bytes) +
                      " promised to other uploads or kept of cut ones",
                  limits.bytesRule);
  }
  if (limits.files && more.files > 0 && !fits(there.files, more.files, *limits.files)) {
    throw Failure(ErrorCode::Quota,
                  "no room for " + shownName(name) + ": of the " + std::to_string(*limits.files) +
                      " files and folders of " + limits.filesRule + " " + std::to_string(used_.files) +
                      " are there and " + std::to_string(others.files) + " promised to other uploads",
                  limits.filesRule);
  }
}

QuotaPromise QuotaArea::promise(Usage more, const QuotaLimits& limits, const FileName& name) {
  const std::lock_guard lock(mutex_);
  count();
  require(more, held(), limits, name);
  promised_.bytes += more.bytes;
  promised_.files += more.files;
  return {*this, more};
}

void QuotaArea::promiseMore(QuotaPromise& promise, std::uint64_t bytes, const QuotaLimits& limits,
                            const FileName& name) {
  const std::lock_guard lock(mutex_);
  count();
  require({bytes, 0}, held(), limits, name);
  promised_.bytes += bytes;
  promise.promised_.bytes += bytes;
}

void QuotaArea::doubt() {
  const std::lock_guard lock(mutex_);
  doubted_ = partsDoubted_ = true;
}

void QuotaArea::doubtParts() {
  const std::lock_guard lock(mutex_);
  partsDoubted_ = true;
}

Usage QuotaArea::used() {
  const std::lock_guard lock(mutex_);
  count();
  return used_;
}

QuotaArea::Change::Change(QuotaArea& area) : area_(area), lock_(area.mutex_) { area.count(); }

QuotaArea::Change::~Change() {
  if (!settled_) area_.doubted_ = true;
}

void QuotaArea::Change::check(Usage added, Usage removed, const QuotaLimits& limits, const FileName& name) {
  settled_ = true;  // nothing has changed when it is refused
  area_.require({less(added.bytes, removed.bytes), less(added.files, removed.files)}, {}, limits, name);
  settled_ = false;
}

void QuotaArea::Change::settle(Usage added, Usage removed) {
  area_.used_.bytes = less(area_.used_.bytes + added.bytes, removed.bytes);
  area_.used_.files = less(area_.used_.files + added.files, removed.files);
  settled_ = true;
}

}  // namespace ft
