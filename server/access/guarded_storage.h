#pragma once
// The storage as one identity sees it: each call is decided by the gate, before it reaches a disk. Any thread may call
// it; its uploads, which may outlive it, belong to one at a time. What was begun here is to be committed here (or by
// another view of this kind), not by that of a whole disk.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/access/gate.h"
#include "server/access/guarded_upload.h"
#include "server/access/tenancy_state.h"
#include "server/storage/storage.h"

namespace ft {

class GuardedStorage : public Storage {
 public:
  // Throws Failure(Busy) when the user has all connections that it may have.
  GuardedStorage(std::shared_ptr<TenancyState> state, Identity identity);

  std::unique_ptr<Upload> begin(const PutSpec& spec) override;
  std::unique_ptr<Upload> resume(const PutSpec& spec, DigestAlgorithm prefixDigest) override;
  void recheck(Upload& upload) override;
  void commit(std::span<CommitItem> items) override;
  std::unique_ptr<Download> open(const FileName& name) override;
  FileInfo stat(const FileName& name) override;
  FolderPage list(const FileName& folder, const std::string& after, PageLimits limits) override;
  std::vector<std::optional<FileInfo>> statMany(const FileName& folder, std::span<const std::string> names) override;
  std::optional<std::uint32_t> storedMode(const FileName& name, std::uint32_t mode) override;
  std::uint32_t setMode(const ModeChange& change) override;
  void makeFolder(const FolderToMake& folder, bool parents) override;
  std::optional<Failure> makeFolders(std::span<const FolderToMake> folders) override;
  bool remove(const FileName& name, bool recursive, std::chrono::milliseconds time) override;
  void rename(const FileName& from, const FileName& to, bool replace) override;

 private:
  // A name as the identity sees it, in the whole tree, and on its disk.
  struct Target {
    FileName name;
    FileName whole;
    TenancyState::Place place;
  };
  struct Moving {
    Target from, to;
    FileInfo info;  // of what is moved
    bool replace = false;
  };

  // A folder that is to be made, or to get its time.
  struct PlannedFolder {
    Target target;
    FolderToMake like;  // on the disk
  };
  // In their order.
  struct FolderPlan {
    std::vector<PlannedFolder> folders;
    std::set<std::string> names;  // of those that are new
  };

  // The gate by the rules of one reading. Earlier ones are kept, as someone may still be using them: rules are seldom
  // read.
  struct Reading {
    std::uint64_t generation;
    std::shared_ptr<const Gate> gate;
  };

  const Gate& gate() { return *currentGate(); }
  const std::shared_ptr<const Gate>& currentGate();
  const std::shared_ptr<const Gate>& readRules();
  void prepareHome();
  void useArea(const Gate& gate);
  std::string owner() const;
  Target at(const FileName& name);
  bool isTop(const FileName& name);
  void require(Verb verb, const FileName& name, std::string_view action);

  std::pair<PutSpec, UploadTerms> plan(const PutSpec& spec);
  void requireToStore(const PutSpec& spec);
  PutRules rulesOf(const Target& target, const PutSpec& spec);
  PutRules judge(const GuardedUpload& upload);
  // Less what the root of `whole` takes away.
  std::uint32_t masked(const FileName& whole, std::uint32_t mode);
  void limitSize(const Target& target, const PutSpec& spec, UploadTerms& terms);
  QuotaLimits quotaOf(const FileName& whole);
  std::function<UsePlace()> transferPlace();
  std::size_t fixedFolders(const Target& target);
  void requireFolders(const Target& target, std::size_t fixed, std::string_view action);
  void commitOn(DiskStorage& disk, std::span<CommitItem> items);

  FolderPage listTop();
  FolderPage listPassages(const FileName& folder, const std::vector<std::string>& names);
  bool isShown(const FileName& folder, const std::string& leaf);
  bool mayLookAt(const FileName& name);
  bool isFolder(const Target& target);
  void planFolder(const FolderToMake& folder, FolderPlan& plan);
  void planMissing(const FolderToMake& folder, FolderPlan& plan);
  void makeNew(const FolderToMake& folder);
  std::optional<Failure> make(const FolderPlan& plan);
  std::optional<Failure> makeRun(std::span<const PlannedFolder> run);
  void removeOne(const Target& target);
  // What of the inside of a folder: all, all but what may not be, or there is more to do.
  enum class Removed { All, Some, Part };
  class RemovalTime;
  Removed removeTree(const FileName& folder, RemovalTime& time);
  void move(const Moving& moving, const QuotaLimits& limits);
  Usage movedBy(const Moving& moving);
  void requireMovable(const FileName& from, const FileName& to, FileType type);

  const std::shared_ptr<TenancyState> state_;
  const Identity identity_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<const Reading>> readings_;  // under mutex_
  std::atomic<const Reading*> reading_{nullptr};
  std::atomic<bool> homeReady_{false};
  std::shared_ptr<UserUse> use_;  // of users only
  UsePlace connection_;
};

}  // namespace ft
