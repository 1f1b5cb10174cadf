#include "server/session/put_queue.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace ft {
namespace {

// A group holds a descriptor for each file, so it is bounded; more would hardly save syncs.
constexpr std::size_t kMaxGroup = 256;
constexpr std::uint64_t kMaxGroupBytes = 16 * 1024 * 1024;
// How long a put may wait for others, from its beginning: much longer than a group of small ones takes to come.
constexpr std::chrono::milliseconds kGatherTime{100};

template <typename T>
void makeRoomForOne(std::vector<T>& values) {
  if (values.size() == values.capacity()) values.reserve(std::max<std::size_t>(1, 2 * values.size()));
}

}  // namespace

void PutQueue::add(std::unique_ptr<Upload> upload, PutRecord record) {
  // First: an item without its record would be answered with another's.
  CommitItem item{std::move(upload), record.digests, std::nullopt};
  makeRoomForOne(items_);
  makeRoomForOne(records_);
  bytes_ += record.size;
  items_.push_back(std::move(item));
  records_.push_back(std::move(record));
}

bool PutQueue::full() const { return items_.size() >= kMaxGroup || bytes_ >= kMaxGroupBytes; }

std::chrono::steady_clock::time_point PutQueue::due() const {
  return records_.empty() ? std::chrono::steady_clock::time_point::max() : records_.front().begun + kGatherTime;
}

std::vector<PutQueue::Answered> PutQueue::commit(Storage& storage) {
  // Before: when the files have their names there must be memory to say so.
  std::vector<Answered> answers;
  answers.reserve(items_.size());
  std::optional<Failure> whole;
  try {
    storage.commit(items_);
  } catch (const Failure& failure) {
    whole = failure;
  } catch (const std::exception& error) {
    whole.emplace(ErrorCode::Internal, error.what());
  }
  for (std::size_t i = 0; i < items_.size(); ++i) {
    answers.push_back({std::move(records_[i]), whole ? whole : std::move(items_[i].failure)});
  }
  items_.clear();
  records_.clear();
  bytes_ = 0;
  return answers;
}

}  // namespace ft
