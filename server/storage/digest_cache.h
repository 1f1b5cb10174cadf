#pragma once
// Digests of files that were stored or read, remembered for exactly one version of a file: a changed file has another
// key. Keeps the ones used last. Thread-safe.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "common/digest.h"
#include "common/known_digest.h"

namespace ft {

// Digests of shorter files are taken while they are sent, which costs no more than to remember and to find them.
inline constexpr std::uint64_t kShortestToRemember = 128 * 1024 + 1;  // bytes

class DigestCache {
 public:
  static constexpr std::size_t kDefaultCapacity = 50'000;

  explicit DigestCache(std::size_t capacity = kDefaultCapacity) : capacity_(std::max<std::size_t>(capacity, 1)) {}

  std::optional<DigestValue> find(const FileVersion& version, DigestAlgorithm algorithm);
  void remember(const FileVersion& version, const DigestValue& digest);
  std::size_t size() const;

 private:
  struct Key {
    FileVersion version;
    DigestAlgorithm algorithm{};
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  // The digits packed to bytes: half the memory, and no second allocation for an entry.
  using Packed = std::array<std::byte, 32>;
  struct Entry {
    Key key;
    Packed digest{};
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // used last first
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> index_;
};

}  // namespace ft
