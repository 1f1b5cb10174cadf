#pragma once
// An upload as its sender sees it: named as the sender names it, held to the limits of its root, its quota and its
// user.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/access/quota_area.h"
#include "server/access/tenancy_state.h"
#include "server/storage/storage.h"

namespace ft {

// What the rules of one moment say of a file that is to get its name.
struct PutRules {
  NamingTerms naming;
  std::string overwriteRule;        // not empty: a file of that name is not replaced, by that rule
  std::string newRule;              // not empty: nothing but a file of that name is stored, by that rule
  std::shared_ptr<QuotaArea> area;  // null: not counted
  QuotaLimits limits;               // of this sender in the area
};

// What holds for one upload. Decided at its beginning.
struct UploadTerms {
  std::shared_ptr<const Gate> gate;  // which has decided
  DiskStorage* disk = nullptr;
  FileName inner = FileName::root();  // the name on the disk
  FileName whole = FileName::root();  // and in the whole tree
  std::uint64_t maxSize = 0;          // bytes
  std::string maxSizeRule;
  PutRules rules;
  std::function<UsePlace()> takePlace;            // among the user's transfers; null: no limit
  std::function<Failure(const Failure&)> retell;  // names a thing as the sender does
};

class GuardedUpload : public Upload, public NamingWatch {
 public:
  GuardedUpload(PutSpec spec, UploadTerms terms);
  ~GuardedUpload() override;

  // The disk's own upload, before anything else but promiseSpace() and takePlace().
  void use(std::unique_ptr<Upload> inner) { inner_ = std::move(inner); }
  // Throws Quota and Busy, as QuotaArea::promise(). What the sender was promised before the first byte; to be called
  // once.
  void promiseSpace(const std::string& upload = "", bool waits = false);
  // The same for an upload that goes on with a part: as soon as that is taken up, or nothing waits for it any more.
  void promiseResumed(bool waits = false);
  // Throws Busy. At the latest, the first byte that is written here does it; segments that are appended have places of
  // their own.
  void takePlace();

  bool takeUp() override;
  bool waitsForPart() const override { return inner_->waitsForPart(); }
  std::uint64_t offset() const override { return inner_->offset(); }
  std::optional<DigestValue> prefix() const override { return inner_->prefix(); }
  void write(std::span<const std::byte> bytes) override;
  void writeHole(std::uint64_t count) override;
  void expectHole(std::uint64_t count) override;
  std::size_t writeFromPipe(int pipe, std::size_t count) override;
  void append(Upload& segment, std::uint64_t begin, std::uint64_t count) override;
  bool digestOn() override;
  std::vector<DigestValue> finish() override;
  void restart() override;
  void discard() noexcept override { inner_->discard(); }
  const PutSpec& spec() const override { return spec_; }

  void naming(NamingTerms& terms, const std::function<void()>& name) override;

  const UploadTerms& terms() const { return terms_; }
  // Of the finished file.
  std::uint64_t size() const { return size_; }
  // What is asked at the moment of naming; throws the refusal. To be set before that.
  void judgeBy(std::function<PutRules()> judge) { judge_ = std::move(judge); }
  Upload& inner() { return *inner_; }
  // For the commit. Nothing but naming() and the descriptions may be called after.
  std::unique_ptr<Upload> releaseInner();
  // The failure of a commit, as the sender is to see it.
  Failure told(const Failure& failure) const;

 private:
  template <typename Action>
  auto onDisk(const Action& action) const;
  Usage replaced() const;
  void admit(std::uint64_t count);

  std::unique_ptr<Upload> inner_;
  const PutSpec spec_;
  const UploadTerms terms_;
  PutRules rules_;  // of the last time that they were asked
  std::function<PutRules()> judge_;
  UsePlace place_;
  QuotaPromise promise_;
  std::uint64_t size_ = 0;
  bool hasPlace_ = false;
  bool leavesPart_ = false;  // where it is cut
};

// Folders above the name that are not there.
std::uint64_t missingFolders(DiskStorage& disk, const FileName& inner);
// What is there of that name; nullopt for nothing.
std::optional<FileInfo> findOn(DiskStorage& disk, const FileName& inner);

}  // namespace ft
