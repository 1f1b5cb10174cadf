#pragma once
// The daemon's files on a local disk: a folder tree, and in it .ftpd for what is not a file of it yet.
// docs/architecture.md tells the order of writing, syncing and renaming; nothing outside the root is reachable,
// whatever is planted in it.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "server/storage/disk_core.h"
#include "server/storage/disk_expiry.h"
#include "server/storage/storage.h"
#include "server/storage/usage_walk.h"

namespace ft {

// Outlives the uploads and downloads that it gives out. Thread-safe.
class DiskStorage : public Storage {
 public:
  // Makes the root where it is missing (0700), takes its lock, and removes what earlier runs have left, for at most
  // about a second; the rest is left to expireParts(). Throws std::runtime_error that names the root, also when another
  // daemon serves it.
  explicit DiskStorage(DiskStorageOptions options);

  std::unique_ptr<Upload> begin(const PutSpec& spec) override;
  std::unique_ptr<Upload> resume(const PutSpec& spec, DigestAlgorithm prefixDigest) override;
  void commit(std::span<CommitItem> items) override;
  std::unique_ptr<Download> open(const FileName& name) override;
  FileInfo stat(const FileName& name) override;
  FolderPage list(const FileName& folder, const std::string& after, PageLimits limits) override;
  std::vector<std::optional<FileInfo>> statMany(const FileName& folder, std::span<const std::string> names) override;
  std::optional<std::uint32_t> storedMode(const FileName& name, std::uint32_t mode) override;
  std::uint32_t setMode(const ModeChange& change) override;
  void makeFolder(const FolderToMake& folder, bool parents) override;
  std::optional<Failure> makeFolders(std::span<const FolderToMake> folders) override;
  // As makeFolders(), but those above each must be there, or earlier in the list.
  std::optional<Failure> makeListed(std::span<const FolderToMake> folders);
  bool remove(const FileName& name, bool recursive, std::chrono::milliseconds time) override;
  void rename(const FileName& from, const FileName& to, bool replace) override;

  // Removes the parts that are older than partExpire, and leftovers that the start had no time for, for about `time` at
  // most; the next call goes on from there. To be called now and then, by one thread. Returns whether nothing is left
  // to do. Throws Failure.
  bool expireParts(std::chrono::milliseconds time);
  // Removes the files that have had their content for longer than `age`, for about `time` at most; the next call goes
  // on from there. No space is needed for it. To be called now and then, by one thread. Returns whether nothing is left
  // to do. Throws Failure when some files could not be removed, once the others are.
  bool removeOlderThan(std::chrono::milliseconds age, std::chrono::milliseconds time);
  // How many files that has removed since the start. For its thread.
  std::uint64_t expired() const { return expired_; }
  // What is in a folder with all that is below it, whatever its names and however deep; of the folders that `except`
  // names (paths below it) nothing counts but the folder. Throws Failure where the disk does not tell.
  Usage usage(const FileName& folder, const UsageWalk::Paths& except) {
    return UsageWalk(core_.root, except).count(folder);
  }
  // What the parts that an owner's cut uploads have left take (PutSpec::owner). Throws Failure.
  Usage partsOf(const std::string& owner) { return core_.parts.usageOf(owner); }
  // Removes the oldest of these, until that much is free or there are no more.
  void removeOldestParts(const std::string& owner, Usage wanted) { core_.parts.removeOldest(owner, wanted); }
  // Can nothing be stored, as .ftpd cannot be used (DiskStorageOptions::readOnly)?
  bool storesNothing() const { return !core_.state.usable(); }
  // Bytes that uploads have reserved and not written yet.
  std::uint64_t reservedBytes() const { return core_.space.outstanding(); }
  // What somebody should know of the start (remembered digests that could not be used); mostly "".
  const std::string& notice() const { return core_.keeper.notice(); }
  // False where names are looked up part by part, as openat2 is missing.
  bool usesOpenat2() const { return core_.root.usesOpenat2(); }

 private:
  // Throws Failure when no file can be stored there. Returns the permission bits of the file that would be replaced;
  // nullopt: nothing is there.
  std::optional<std::uint32_t> checkTarget(const PutSpec& spec) const;
  std::optional<FileInfo> find(const FileName& name) const;
  void replaceByRename(const FileName& from, const FileName& to, bool replace);

  DiskCore core_;
  std::unique_ptr<ExpiryWalk> expiry_;  // that has not come to its end
  std::uint64_t expired_ = 0;
};

}  // namespace ft
