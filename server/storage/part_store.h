#pragma once
// What cut uploads have left, kept for a resume: files in .ftpd/parts, named by a hash of what was being stored (name,
// size, mtime), behind one of its owner. A part's length is the offset that a client may go on from;
// its content is compared before it is used, so nothing else is recorded.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/file_name.h"
#include "common/unique_fd.h"
#include "server/storage/folder_reader.h"
#include "server/storage/staging_folder.h"
#include "server/storage/storage.h"
#include "server/storage/usage.h"

namespace ft {

class PartStore;

// The right to use one part, for as long as this lives: no other upload of this process has it, and it does not expire.
class PartClaim {
 public:
  // It is one once PartStore::claim() has given it.
  explicit PartClaim(std::string part) : part_(std::move(part)) {}
  PartClaim(const PartClaim&) = delete;
  PartClaim& operator=(const PartClaim&) = delete;
  ~PartClaim();
  const std::string& part() const noexcept { return part_; }

 private:
  friend class PartStore;
  PartStore* store_ = nullptr;
  std::string part_;
};

// Thread-safe.
class PartStore {
 public:
  // Borrows the folder, and nobody else reads from its descriptor. Parts that nobody has touched for `expire` are
  // stale, and those with less than `least` bytes are not worth keeping.
  PartStore(int folder, std::chrono::milliseconds expire, std::uint64_t least = 1);

  // The part of an upload whose size and mtime are known. Those of an owner are his alone.
  static std::string partName(const PutSpec& spec);
  bool keeps(std::uint64_t length) const noexcept { return length >= least_; }
  // What the parts of the owner that no upload is writing take: at least a block each. Opens nothing, and reads the
  // folder seldom. Throws Failure when it cannot be read.
  Usage usageOf(const std::string& owner);
  // Removes parts of the owner that no upload is writing, those first that were left first, until that much is free or
  // there are no more. Of many a few more go, as all are looked at each time. Throws as usageOf().
  void removeOldest(const std::string& owner, Usage wanted);
  // nullptr when another upload has it. Does not wait.
  std::unique_ptr<PartClaim> claim(std::string part);

  // The file of a claimed part; empty when there is none. What cannot be used, and what is stale, is removed. Removing
  // is the default fate of what is returned.
  StagedFile open(const PartClaim& claim);
  // A new file for a claimed part. Throws Failure.
  StagedFile create(const PartClaim& claim, mode_t mode);

  // Removes stale parts and gives back what others have reserved beyond their end, until done or the time is up; the
  // next call goes on from there. Returns whether it has come to the end. Throws Failure when the parts cannot be read.
  // One thread at a time.
  bool clean(std::chrono::steady_clock::time_point deadline);

 private:
  // A walk through the folder that is not at its end.
  struct Sweep {
    explicit Sweep(UniqueFd opened) : folder(std::move(opened)), reader(folder.get()) {}
    UniqueFd folder;
    FolderReader reader;
  };
  friend class PartClaim;
  struct Left {
    timespec since;
    Usage usage;
    std::string part;
  };
  // By what the names of an owner's parts begin with.
  using Sums = std::unordered_map<std::string, Usage>;

  // All with the lock held; those that read the folder throw as usageOf().
  // Calls look(part, its status) for each part that no upload is writing.
  template <typename Look>
  void readLeft(const Look& look);
  std::vector<Left> leftBy(const std::string& owner);
  Sums& sums();
  // A part is left now, or is not any more.
  void add(const std::string& part) noexcept;
  void takeAway(const std::string& part) noexcept;
  void cleanOne(const std::string& part);

  int folder_;
  std::chrono::milliseconds expire_;
  std::uint64_t least_;
  std::mutex mutex_;
  std::unordered_set<std::string> claimed_;
  std::optional<Sums> sums_;  // of what no upload is writing; known from the first question on
  std::unique_ptr<Sweep> sweep_;
};

}  // namespace ft
