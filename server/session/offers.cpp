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
  std::unique_ptr<Upload> upload = found->segmented ? found->segmented->release() : std::move(found->upload);
  open_.erase(found);
  return upload;
}

}  // namespace ft
