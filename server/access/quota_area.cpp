#include "server/access/quota_area.h"

#include <algorithm>
#include <array>
#include <exception>
#include <limits>

#include "common/error.h"
#include "common/units.h"
#include "server/storage/disk_failure.h"
#include "server/storage/storage.h"

namespace ft {
namespace {

constexpr int kMostTries = 16;
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
// How often one who needs a count counts himself, if what he has counted is in doubt again at once.
constexpr int kMostCounts = 2;
// Threads that may stand still while another counts.
constexpr int kMostWaiting = 2;

std::uint64_t less(std::uint64_t a, std::uint64_t b) { return a - std::min(a, b); }

bool fits(std::uint64_t there, std::uint64_t more, std::uint64_t limit) {
  return there <= limit && more <= limit - there;
}

// The disk's answers to what cannot be done to a name, as opposed to what has failed halfway.
bool changesNothing(ErrorCode code) {
  constexpr std::array kRefusals{ErrorCode::NotFound,     ErrorCode::Exists,    ErrorCode::IsDirectory,
                                 ErrorCode::NotDirectory, ErrorCode::Forbidden, ErrorCode::NameInvalid};
  return std::find(kRefusals.begin(), kRefusals.end(), code) != kRefusals.end();
}

NotYet beingCounted() {
  return {ErrorCode::Busy, "what the folder with a quota holds is being counted; try again later",
          NotYet::Next::InAMoment};
}

// How much of `held` must go so that `more` fits; 0 as well where that would not be enough.
std::uint64_t tooMany(std::uint64_t others, std::uint64_t held, std::uint64_t more,
                      std::optional<std::uint64_t> limit) {
  if (!limit || more == 0 || !fits(others, more, *limit)) return 0;
  return less(others + held + more, *limit);
}

}  // namespace

QuotaPromise::~QuotaPromise() {
  if (area_ == nullptr) return;
  const std::lock_guard lock(area_->mutex_);
  area_->promised_.bytes = less(area_->promised_.bytes, promised_.bytes);
  area_->promised_.files = less(area_->promised_.files, promised_.files);
  area_->replaced_.erase(replaces_);
  const auto known = area_->uploads_.find(upload_);
  if (known != area_->uploads_.end()) area_->uploads_.erase(known);
}

void QuotaArea::addOwner(const std::string& owner) {
  const std::lock_guard lock(mutex_);
  if (owners_.insert(owner).second) partsDoubted_ = true;
}

void QuotaArea::count(std::unique_lock<std::mutex>& lock, bool waits) {
  for (int counts = 0; counting_ || doubted_ || partsDoubted_;) {
    if (counting_) {
      awaitCount(lock, waits);
    } else {
      if (counts++ == kMostCounts) throw beingCounted();
      countNow(lock);
    }
  }
}

// So exactly that what does not fit is too much.
void QuotaArea::countFor(std::unique_lock<std::mutex>& lock, Usage more, const QuotaLimits& limits, bool waits) {
  count(lock, waits);
  const bool fit = fits(used_.bytes + promised_.bytes + parts_.bytes, more.bytes, limits.bytes.value_or(kNoLimit)) &&
                   fits(used_.files + promised_.files + parts_.files, more.files, limits.files.value_or(kNoLimit));
  if (fit || !lessened_) return;
  doubted_ = true;
  count(lock, waits);
}

void QuotaArea::awaitCount(std::unique_lock<std::mutex>& lock, bool waits) {
  if (!waits || waiting_ >= kMostWaiting) throw beingCounted();
  ++waiting_;
  const bool ended = counted_.wait_until(lock, countBegun_ + patience_, [&] { return !counting_; });
  --waiting_;
  if (!ended) throw beingCounted();
}

void QuotaArea::countNow(std::unique_lock<std::mutex>& lock) {
  const bool folder = std::exchange(doubted_, false);
  if (folder) lessened_ = false;
  const bool parts = std::exchange(partsDoubted_, false);
  const std::set<std::string> owners = owners_;
  Usage inFolder = used_;
  Usage inParts = parts_;
  std::exception_ptr error;
  counting_ = true;
  countBegun_ = std::chrono::steady_clock::now();
  lock.unlock();
  try {
    if (folder) inFolder = counters_.folder();
    if (parts) inParts = counters_.parts(owners);
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  counting_ = false;
  counted_.notify_all();
  if (error) {
    doubted_ |= folder;
    partsDoubted_ |= parts;
    std::rethrow_exception(error);
  }
  used_ = inFolder;
  parts_ = inParts;
}

// Parts keep nobody from storing: whoever does not go on with them needs their space for something else.
void QuotaArea::makeWay(Usage more, const QuotaLimits& limits) {
  if (parts_.files == 0) return;
  const Usage wanted{tooMany(used_.bytes + promised_.bytes, parts_.bytes, more.bytes, limits.bytes),
                     tooMany(used_.files + promised_.files, parts_.files, more.files, limits.files)};
  if (wanted.bytes == 0 && wanted.files == 0) return;
  counters_.removeParts(limits.owner, wanted);
  parts_ = counters_.parts(owners_);
}

void QuotaArea::require(Usage more, const Held& held, const QuotaLimits& limits, const FileName& name) const {
  const Usage there{used_.bytes + held.promised.bytes + held.parts.bytes,
                    used_.files + held.promised.files + held.parts.files};
  if (limits.bytes && more.bytes > 0 && !fits(there.bytes, more.bytes, *limits.bytes)) {
    std::string text = "no space for " + shownName(name) + ": " + exactSize(more.bytes) +
                       " more are needed, and of the " + exactSize(*limits.bytes) + " of " + limits.bytesRule + " " +
                       std::to_string(used_.bytes) + " are used";
    std::string remedy = "; remove something";
    if (held.promised.bytes > 0) {
      text += ", " + std::to_string(held.promised.bytes) + " are promised to other uploads";
      remedy += ", wait for the other uploads";
    }
    if (held.parts.bytes > 0) {
      text += ", " + std::to_string(held.parts.bytes) + " are kept of cut uploads";
      remedy += ", put again what was cut";
    }
    throw Failure(ErrorCode::Quota, text + remedy, limits.bytesRule);
  }
  if (limits.files && more.files > 0 && !fits(there.files, more.files, *limits.files)) {
    std::string text = "no room for " + shownName(name) + ": of the " + std::to_string(*limits.files) +
                       " files and folders of " + limits.filesRule + " " + std::to_string(used_.files) +
                       " are there and " + std::to_string(held.promised.files) + " promised to other uploads";
    if (held.parts.files > 0) text += ", and " + std::to_string(held.parts.files) + " are kept of cut uploads";
    throw Failure(ErrorCode::Quota, text, limits.filesRule);
  }
}

QuotaPromise QuotaArea::promise(const QuotaWish& wish, const QuotaLimits& limits, const FileName& name) {
  std::unique_lock lock(mutex_);
  countFor(lock, wish.more, limits, wish.waits);
  const std::uint64_t least = less(wish.more.bytes, wish.replacedBytes);
  const bool replaces = least < wish.more.bytes && !wish.replaces.empty() && !replaced_.contains(wish.replaces);
  const Usage more{replaces ? least : wish.more.bytes, wish.more.files};
  makeWay(more, limits);
  bool othersHold = !wish.upload.empty() && uploads_.contains(wish.upload);
  try {
    const Held held{promised_, parts_};
    require({least, more.files}, held, limits, name);
    othersHold = true;
    require(more, held, limits, name);
  } catch (const Failure& failure) {
    if (!othersHold) throw;
    throw Failure(ErrorCode::Busy,
                  shownName(name) +
                      " is being put by another connection, which has the space for it; try again when that has ended",
                  failure.rule());
  }
  // What needs memory comes first: a promise that was made in part would never be given back.
  std::string upload = wish.upload;
  std::string gone = replaces ? wish.replaces : "";
  std::multiset<std::string> uploads;
  std::set<std::string> replaced;
  if (!upload.empty()) uploads.insert(upload);
  if (replaces) replaced.insert(gone);
  uploads_.merge(uploads);
  replaced_.merge(replaced);
  promised_.bytes += more.bytes;
  promised_.files += more.files;
  return {*this, more, std::move(upload), std::move(gone)};
}

void QuotaArea::promiseMore(QuotaPromise& promise, std::uint64_t bytes, const QuotaLimits& limits,
                            const FileName& name) {
  std::unique_lock lock(mutex_);
  countFor(lock, {bytes, 0}, limits, true);
  makeWay({bytes, 0}, limits);
  require({bytes, 0}, {promised_, parts_}, limits, name);
  promised_.bytes += bytes;
  promise.promised_.bytes += bytes;
}

void QuotaArea::doubt() {
  const std::lock_guard lock(mutex_);
  doubted_ = partsDoubted_ = true;
  ++version_;
}

void QuotaArea::lessen() {
  const std::lock_guard lock(mutex_);
  lessened_ = true;
  ++version_;
}

void QuotaArea::doubtParts() {
  const std::lock_guard lock(mutex_);
  partsDoubted_ = true;
}

Usage QuotaArea::used() {
  std::unique_lock lock(mutex_);
  doubted_ |= lessened_;
  count(lock, false);
  return used_;
}

std::uint64_t QuotaArea::version() {
  const std::lock_guard lock(mutex_);
  return version_;
}

UsageChange QuotaArea::measured(const NameChange& change) const {
  const UsageChange step = change.measure(used_);
  require({less(step.added.bytes, step.removed.bytes), less(step.added.files, step.removed.files)}, {}, change.limits,
          change.name);
  return step;
}

UsageChange QuotaArea::measuredAnew(std::unique_lock<std::mutex>& lock, const NameChange& change) {
  try {
    return measured(change);
  } catch (const Failure&) {
    if (!lessened_) throw;
  }
  doubted_ = true;
  count(lock, change.waits);
  return measured(change);
}

void QuotaArea::beginChange() {
  doubted_ = true;
  ++version_;
}

void QuotaArea::settle(const UsageChange& change) {
  used_.bytes = less(used_.bytes + change.added.bytes, change.removed.bytes);
  used_.files = less(used_.files + change.added.files, change.removed.files);
  doubted_ = false;
}

void QuotaArea::change(const NameChange& change) {
  std::unique_lock lock(mutex_);
  count(lock, change.waits);
  const UsageChange step = measuredAnew(lock, change);
  beginChange();
  try {
    change.make();
  } catch (const Failure& failure) {
    if (step.whole && changesNothing(failure.code())) settle({});
    throw;
  }
  settle(step);
}

bool QuotaArea::changeFrom(const Leaving& leaving, QuotaArea* entered, const NameChange& change) {
  QuotaArea& left = leaving.area;
  // Each is counted without the other's lock: a count may take long.
  for (int tries = 0; tries < kMostTries; ++tries) {
    left.used();
    if (entered != nullptr) entered->used();
    std::unique_lock here(left.mutex_, std::defer_lock);
    std::unique_lock<std::mutex> there;
    if (entered != nullptr) {
      there = std::unique_lock(entered->mutex_, std::defer_lock);
      std::lock(here, there);
    } else {
      here.lock();
    }
    if (left.version_ != leaving.version) return false;
    if (left.doubted_ || left.counting_ || (entered != nullptr && (entered->doubted_ || entered->counting_))) continue;
    const UsageChange step = entered != nullptr ? entered->measured(change) : UsageChange();
    left.beginChange();
    if (entered != nullptr) entered->beginChange();
    change.make();
    left.settle({{}, leaving.usage});
    if (entered != nullptr) entered->settle(step);
    return true;
  }
  throw Failure(ErrorCode::Busy, "a folder with a quota changes all the time; try again later");
}

}  // namespace ft
