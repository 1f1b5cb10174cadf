#include "server/session/segments.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "common/hex.h"
#include "common/random_bytes.h"

namespace ft {
namespace {

// How far a segment may be ahead of the first byte that is missing: bounds the space of those that wait.
constexpr std::uint64_t kMaxAhead = std::uint64_t{512} << 20;
constexpr std::size_t kIdBytes = 16;
// Of a segment that is appended, in one step: what is copied is read back for its digest.
constexpr std::uint64_t kAppendStep = std::uint64_t{4} << 20;

Failure notOpen() { return {ErrorCode::Changed, "the file is not being put together any more; offer it again"}; }

struct Range {
  std::uint64_t offset, size;
};

// Do any of `ranges`, which lie by their offset, have bytes of that range? `sizeOf` tells the size of one.
template <typename Ranges, typename SizeOf>
bool overlaps(const Ranges& ranges, const Range& range, SizeOf sizeOf) {
  const auto behind = ranges.lower_bound(range.offset);
  if (behind != ranges.end() && behind->first - range.offset < range.size) return true;
  if (behind == ranges.begin()) return false;
  const auto before = std::prev(behind);
  return before->first + sizeOf(before->second) > range.offset;
}

}  // namespace

SegmentedUpload::SegmentedUpload(Segments& all, std::unique_ptr<Upload> upload)
    : all_(all), id_(toHex(randomBytes(kIdBytes))), spec_(upload->spec()), upload_(std::move(upload)) {}

SegmentedUpload::~SegmentedUpload() { all_.forget(id_); }

void SegmentedUpload::enter(std::uint64_t offset, std::uint64_t size) {
  const std::uint64_t end = spec_.size.value_or(0);
  if (offset > end || size > end - offset || size == 0) {
    throw Failure(ErrorCode::BadRequest, "the segment is not inside the file of " + std::to_string(end) + " bytes");
  }
  const std::lock_guard lock(mutex_);
  if (!upload_) throw notOpen();
  if (failure_) throw *failure_;
  const std::uint64_t there = upload_->offset();
  const Range range{offset, size};
  if (offset < there || overlaps(waiting_, range, [](const auto& upload) { return upload->offset(); })) {
    throw Failure(ErrorCode::Changed, "these bytes are there already");
  }
  if (overlaps(underWay_, range, [](std::uint64_t other) { return other; })) {
    throw Failure(ErrorCode::Busy, "another segment is bringing these bytes");
  }
  if (offset - there > kMaxAhead)
    throw Failure(ErrorCode::Busy, "segments before this one are missing; send them first");
  underWay_.emplace(offset, size);
}

void SegmentedUpload::leave(std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  underWay_.erase(offset);
}

void SegmentedUpload::add(std::uint64_t offset, std::unique_ptr<Upload> segment) {
  const std::lock_guard lock(mutex_);
  waiting_.emplace(offset, std::move(segment));
}

bool SegmentedUpload::isDue() const { return !waiting_.empty() && waiting_.begin()->first <= upload_->offset(); }

// Each holds the lock for one step only, so that those who bring other segments are not kept waiting.
bool SegmentedUpload::appendOn() {
  const std::lock_guard lock(mutex_);
  if (!upload_) throw notOpen();
  if (failure_) throw *failure_;
  if (isDue()) appendSome();
  return !isDue();
}

void SegmentedUpload::appendSome() {
  const auto next = waiting_.begin();
  Upload& segment = *next->second;
  const std::uint64_t begin = upload_->offset() - next->first;
  const std::uint64_t count = std::min(segment.offset() - begin, kAppendStep);
  try {
    upload_->append(segment, begin, count);
  } catch (const Failure& failure) {
    failure_ = failure;
    waiting_.clear();
    throw;
  }
  if (begin + count == segment.offset()) waiting_.erase(next);
}

std::unique_ptr<Upload> SegmentedUpload::release() {
  const std::lock_guard lock(mutex_);
  if (!underWay_.empty()) throw Failure(ErrorCode::Busy, "segments of this file are still on their way; try again");
  // Only what a connection has left that was cut while it appended.
  if (upload_ && !failure_ && isDue()) {
    appendSome();
    throw NotYet(ErrorCode::Busy, "segments of this file are still being appended; try again", NotYet::Next::AtOnce);
  }
  waiting_.clear();
  return std::move(upload_);
}

SegmentPlace::SegmentPlace(std::shared_ptr<SegmentedUpload> whole, std::uint64_t offset, std::uint64_t size)
    : whole_(std::move(whole)), offset_(offset) {
  whole_->enter(offset, size);
}

SegmentPlace::~SegmentPlace() { whole_->leave(offset_); }

std::shared_ptr<SegmentedUpload> Segments::open(std::unique_ptr<Upload> upload) {
  auto opened = std::make_shared<SegmentedUpload>(*this, std::move(upload));
  const std::lock_guard lock(mutex_);
  open_.emplace(opened->id(), opened);
  return opened;
}

std::shared_ptr<SegmentedUpload> Segments::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : found->second.lock();
}

void Segments::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  open_.erase(id);
}

}  // namespace ft
