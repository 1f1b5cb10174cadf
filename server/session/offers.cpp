#include "server/session/offers.h"

#include <algorithm>
#include <utility>

#include "common/protocol.h"

namespace ft {

void Offers::add(std::unique_ptr<Upload> upload) { add(Entry{std::move(upload), nullptr}); }

void Offers::add(std::shared_ptr<SegmentedUpload> upload) { add(Entry{nullptr, std::move(upload)}); }

void Offers::add(Entry entry) {
  if (open_.size() >= kMaxOpenOffers) open_.erase(open_.begin());
  open_.push_back(std::move(entry));
}

std::unique_ptr<Upload> Offers::take(const PutSpec& spec) {
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const Entry& entry) {
    const PutSpec& offered = entry.spec();
    return offered.name == spec.name && offered.size == spec.size && offered.mtimeNs == spec.mtimeNs;
  });
  if (found == open_.end()) return nullptr;
  Entry entry = std::move(*found);
  open_.erase(found);
  return entry.segmented ? entry.segmented->release() : std::move(entry.upload);
}

}  // namespace ft
