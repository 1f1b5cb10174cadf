#pragma once
// A Storage in front of another one that fails chosen calls, for tests of what stands above it.

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "server/storage.h"

namespace ft::testing {

enum class StorageCall {
  Begin,
  Resume,
  Restart,
  Write,
  WriteHole,
  WriteFromPipe,
  Finish,
  Commit,
  Open,
  Read,
  Stat,
  List,
  Tree
};

// Counts calls and decides which one fails. Thread-safe; shared by the storage and the uploads and downloads that came from it.
class FaultPlan {
 public:
  // The `nth` call of this kind from now (1 is the next) throws `failure`; with `forEver` all later ones too.
  void fail(StorageCall call, std::size_t nth, Failure failure, bool forEver = false) {
    const std::lock_guard lock(mutex_);
    faults_.insert_or_assign(call, Fault{nth, forEver, std::move(failure)});
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    faults_.clear();
  }
  std::size_t calls(StorageCall call) const {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(call);
    return found == calls_.end() ? 0 : found->second;
  }
  // Throws when it is this call's turn.
  void pass(StorageCall call) {
    if (auto failure = next(call)) throw *failure;
  }
  // The same, told instead of thrown.
  std::optional<Failure> next(StorageCall call) {
    const std::lock_guard lock(mutex_);
    ++calls_[call];
    const auto found = faults_.find(call);
    if (found == faults_.end()) return std::nullopt;
    Fault& fault = found->second;
    if (fault.remaining > 1) {
      --fault.remaining;
      return std::nullopt;
    }
    Failure failure = fault.failure;
    if (!fault.forEver) faults_.erase(found);
    return failure;
  }

 private:
  struct Fault {
    std::size_t remaining;
    bool forEver;
    Failure failure;
  };
  mutable std::mutex mutex_;
  std::map<StorageCall, Fault> faults_;
  std::map<StorageCall, std::size_t> calls_;
};

class FaultyUpload : public Upload {
 public:
  FaultyUpload(std::unique_ptr<Upload> inner, FaultPlan& plan) : inner_(std::move(inner)), plan_(plan) {}
  std::uint64_t offset() const override { return inner_->offset(); }
  void write(std::span<const std::byte> bytes) override {
    plan_.pass(StorageCall::Write);
    inner_->write(bytes);
  }
  void writeHole(std::uint64_t count) override {
    plan_.pass(StorageCall::WriteHole);
    inner_->writeHole(count);
  }
  std::size_t writeFromPipe(int pipe, std::size_t count) override {
    plan_.pass(StorageCall::WriteFromPipe);
    return inner_->writeFromPipe(pipe, count);
  }
  std::vector<DigestValue> finish() override {
    plan_.pass(StorageCall::Finish);
    return inner_->finish();
  }
  const PutSpec& spec() const override { return inner_->spec(); }
  std::unique_ptr<Upload>& inner() { return inner_; }

 private:
  std::unique_ptr<Upload> inner_;
  FaultPlan& plan_;
};

class FaultyDownload : public Download {
 public:
  FaultyDownload(std::unique_ptr<Download> inner, FaultPlan& plan) : inner_(std::move(inner)), plan_(plan) {}
  const FileInfo& info() const override { return inner_->info(); }
  // Always -1, so that every byte passes read().
  int fd() const override { return -1; }
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) override {
    plan_.pass(StorageCall::Read);
    return inner_->read(offset, into);
  }
  Extent nextData(std::uint64_t offset) override { return inner_->nextData(offset); }
  std::optional<DigestValue> knownDigest(DigestAlgorithm algorithm) override { return inner_->knownDigest(algorithm); }
  void rememberDigest(const DigestValue& digest) override { inner_->rememberDigest(digest); }
  bool changed() override { return inner_->changed(); }

 private:
  std::unique_ptr<Download> inner_;
  FaultPlan& plan_;
};

// Borrows both; they outlive it and all that comes from it. Commit counts items, not groups: a planned fault fails one item.
class FaultyStorage : public Storage {
 public:
  FaultyStorage(Storage& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  std::unique_ptr<Upload> begin(const PutSpec& spec) override {
    plan_.pass(StorageCall::Begin);
    return std::make_unique<FaultyUpload>(inner_.begin(spec), plan_);
  }
  ResumedUpload resume(const PutSpec& spec, DigestAlgorithm prefixDigest) override {
    plan_.pass(StorageCall::Resume);
    ResumedUpload resumed = inner_.resume(spec, prefixDigest);
    resumed.upload = std::make_unique<FaultyUpload>(std::move(resumed.upload), plan_);
    return resumed;
  }
  void restart(Upload& upload) override {
    plan_.pass(StorageCall::Restart);
    inner_.restart(*dynamic_cast<FaultyUpload&>(upload).inner());
  }
  void commit(std::span<CommitItem> items) override {
    for (CommitItem& item : items) {
      item.failure = plan_.next(StorageCall::Commit);
      std::unique_ptr<Upload> unwrapped = std::move(dynamic_cast<FaultyUpload&>(*item.upload).inner());
      item.upload = item.failure ? nullptr : std::move(unwrapped);
      if (!item.failure) inner_.commit(std::span(&item, 1));
    }
  }
  std::unique_ptr<Download> open(const FileName& name) override {
    plan_.pass(StorageCall::Open);
    return std::make_unique<FaultyDownload>(inner_.open(name), plan_);
  }
  FileInfo stat(const FileName& name) override {
    plan_.pass(StorageCall::Stat);
    return inner_.stat(name);
  }
  FolderPage list(const FileName& folder, const std::string& after, PageLimits limits) override {
    plan_.pass(StorageCall::List);
    return inner_.list(folder, after, limits);
  }
  std::vector<std::optional<FileInfo>> statMany(const FileName& folder, std::span<const std::string> names) override {
    plan_.pass(StorageCall::Stat);
    return inner_.statMany(folder, names);
  }
  void makeFolder(const FileName& name, bool parents) override {
    plan_.pass(StorageCall::Tree);
    inner_.makeFolder(name, parents);
  }
  void makeFolders(const FileName& folder, std::span<const std::string> names) override {
    plan_.pass(StorageCall::Tree);
    inner_.makeFolders(folder, names);
  }
  void remove(const FileName& name, bool recursive) override {
    plan_.pass(StorageCall::Tree);
    inner_.remove(name, recursive);
  }
  void rename(const FileName& from, const FileName& to, bool replace) override {
    plan_.pass(StorageCall::Tree);
    inner_.rename(from, to, replace);
  }

 private:
  Storage& inner_;
  FaultPlan& plan_;
};

}  // namespace ft::testing
