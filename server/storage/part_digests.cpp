#include "server/storage/part_digests.h"

#include <algorithm>
#include <utility>

namespace ft {

void PartDigests::keep(std::string part, const FileVersion& version, DigestSet digests) {
  const std::lock_guard lock(mutex_);
  entries_.remove_if([&](const Entry& entry) { return entry.part == part; });
  entries_.push_back({std::move(part), version, std::move(digests)});
  if (entries_.size() > capacity_) entries_.pop_front();
}

std::optional<DigestSet> PartDigests::take(const std::string& part, const FileVersion& version,
                                           const std::vector<DigestAlgorithm>& algorithms) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.part == part; });
  if (found == entries_.end()) return std::nullopt;
  Entry entry = std::move(*found);
  entries_.erase(found);
  if (entry.version != version || entry.digests.algorithms() != algorithms) return std::nullopt;
  return std::move(entry.digests);
}

}  // namespace ft
