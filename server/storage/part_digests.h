#pragma once
// The running digests of cut uploads, so that who goes on with one need not read again what was just written. In memory
// only, and taken for exactly the part that they are of: one that was touched since has another version and is read
// again. Thread-safe.

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/storage/digest_cache.h"
#include "server/storage/follow_digest.h"

namespace ft {

class PartDigests {
 public:
  // `capacity`: how many are kept; the oldest give way.
  explicit PartDigests(std::size_t capacity = kDefaultCapacity) : capacity_(capacity) {}

  // `digests` are of all of the part, which is of this version now.
  void keep(std::string part, const FileVersion& version, DigestSet digests);
  // What was kept of the part, removed from here; nullopt when it was not of this version or not of these algorithms.
  std::optional<DigestSet> take(const std::string& part, const FileVersion& version,
                                const std::vector<DigestAlgorithm>& algorithms);

  static constexpr std::size_t kDefaultCapacity = 64;

 private:
  struct Entry {
    std::string part;
    FileVersion version;
    DigestSet digests;
  };

  const std::size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // oldest first
};

}  // namespace ft
