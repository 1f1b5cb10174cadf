#include "server/session/segments.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include "common/hex.h"

namespace ft {
namespace {

// How far a segment may be ahead of the first byte that is missing: bounds the space of those that wait.
constexpr std::uint64_t kMaxAhead = std::uint64_t{512} << 20;
constexpr std::size_t kIdBytes = 16;

std::string randomId() {
  std::array<unsigned char, kIdBytes> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return toHex(bytes);
}

Failure notOpen() { return {ErrorCode::Changed, "the file is not being put together any more; offer it again"}; }

Failure bytesAreThere() { return {ErrorCode::Changed, "these bytes are there already"}; }

}  // namespace

SegmentedUpload::SegmentedUpload(Segments& all, std::unique_ptr<Upload> upload)
    : all_(all), id_(randomId()), spec_(upload->spec()), upload_(std::move(upload)) {}

SegmentedUpload::~SegmentedUpload() { all_.forget(id_); }

void SegmentedUpload::admit(std::uint64_t offset, std::uint64_t size) {
  const std::uint64_t end = spec_.size.value_or(0);
  if (offset > end || size > end - offset || size == 0) {
    throw Failure(ErrorCode::BadRequest, "the segment is not inside the file of " + std::to_string(end) + " bytes");
  }
  const std::lock_guard lock(mutex_);
  if (!upload_) throw notOpen();
  const std::uint64_t there = upload_->offset();
  if (offset < there || overlapsWaiting(offset, size)) throw bytesAreThere();
  if (offset - there > kMaxAhead)
    throw Failure(ErrorCode::Busy, "segments before this one are missing; send them first");
}

// Bytes that come twice would take space that nobody has promised. The lock is held.
bool SegmentedUpload::overlapsWaiting(std::uint64_t offset, std::uint64_t size) const {
  const auto behind = waiting_.lower_bound(offset);
  if (behind != waiting_.end() && behind->first - offset < size) return true;
  if (behind == waiting_.begin()) return false;
  const auto before = std::prev(behind);
  return before->first + before->second->offset() > offset;
}

void SegmentedUpload::add(std::uint64_t offset, std::unique_ptr<Upload> segment) {
  const std::lock_guard lock(mutex_);
  if (!upload_) throw notOpen();
  if (offset < upload_->offset() || overlapsWaiting(offset, segment->offset())) throw bytesAreThere();
  waiting_.emplace(offset, std::move(segment));
  while (!waiting_.empty() && waiting_.begin()->first == upload_->offset()) {
    const auto next = waiting_.extract(waiting_.begin());
    upload_->append(*next.mapped());
  }
}

std::unique_ptr<Upload> SegmentedUpload::release() {
  const std::lock_guard lock(mutex_);
  waiting_.clear();
  return std::move(upload_);
}

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
