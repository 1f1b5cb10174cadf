#include "server/storage/digest_cache.h"

#include <string_view>

namespace ft {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

std::size_t DigestCache::KeyHash::operator()(const Key& key) const noexcept {
  std::uint64_t hash = static_cast<std::uint64_t>(key.algorithm);
  const FileVersion& v = key.version;
  for (const std::uint64_t part :
       {v.device, v.inode, v.size, static_cast<std::uint64_t>(v.mtimeNs), static_cast<std::uint64_t>(v.ctimeNs)}) {
    hash = (hash ^ part) * 0x9e3779b97f4a7c15;  // the golden ratio, as in Fibonacci hashing (Knuth, TAOCP 3, 6.4)
    hash ^= hash >> 32;
  }
  return hash;
}

std::optional<DigestValue> DigestCache::find(const FileVersion& version, DigestAlgorithm algorithm) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(Key{version, algorithm});
  if (found == index_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  DigestValue value{algorithm, std::string(digestHexSize(algorithm), '0')};
  for (std::size_t i = 0; i < value.hex.size(); ++i) {
    const auto byte = std::to_integer<unsigned>(found->second->digest[i / 2]);
    value.hex[i] = kDigits[(i % 2 == 0 ? byte >> 4 : byte) & 15U];
  }
  return value;
}

void DigestCache::remember(const FileVersion& version, const DigestValue& digest) {
  Entry entry{Key{version, digest.algorithm}, {}};
  for (std::size_t i = 0; i < digest.hex.size() && i / 2 < entry.digest.size(); ++i) {
    const auto digit = static_cast<std::byte>(kDigits.find(digest.hex[i]));
    entry.digest[i / 2] |= i % 2 == 0 ? digit << 4 : digit;
  }
  const std::lock_guard lock(mutex_);
  if (const auto found = index_.find(entry.key); found != index_.end()) {
    found->second->digest = entry.digest;
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  if (entries_.size() >= capacity_) {
    index_.erase(entries_.back().key);
    entries_.splice(entries_.begin(), entries_, std::prev(entries_.end()));
    entries_.front() = entry;
  } else {
    entries_.push_front(entry);
  }
  index_.emplace(entry.key, entries_.begin());
}

std::size_t DigestCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace ft
