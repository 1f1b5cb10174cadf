#include "server/access/guarded_upload.h"

#include <algorithm>
#include <utility>

#include "server/access/guarded_names.h"
#include "server/storage/disk_failure.h"
#include "server/storage/part_store.h"

namespace ft {
namespace {

// How much a body of unknown size is promised at a time.
constexpr std::uint64_t kStreamStep = 16 << 20;

}  // namespace

std::optional<FileInfo> findOn(DiskStorage& disk, const FileName& inner) {
  try {
    return disk.stat(inner);
  } catch (const Failure&) {
    return std::nullopt;
  }
}

std::uint64_t missingFolders(DiskStorage& disk, const FileName& inner) {
  std::uint64_t missing = 0;
  for (FileName folder = inner.parent(); !folder.isRoot() && !findOn(disk, folder); folder = folder.parent()) ++missing;
  return missing;
}

// Failures of the disk are told as the sender is to see them.
template <typename Action>
auto GuardedUpload::onDisk(const Action& action) const {
  return retelling([this](const Failure& failure) { return told(failure); }, action);
}

GuardedUpload::GuardedUpload(PutSpec spec, UploadTerms terms)
    : spec_(std::move(spec)), terms_(std::move(terms)), rules_(terms_.rules) {}

GuardedUpload::~GuardedUpload() {
  if (!inner_ || !terms_.rules.area || !leavesPart_) return;
  // A part that is left counts before its promise is gone.
  inner_.reset();
  terms_.rules.area->doubtParts();
}

Usage GuardedUpload::replaced() const {
  const auto info = findOn(*terms_.disk, terms_.inner);
  if (!info || info->type == FileType::Folder) return {};
  return {info->type == FileType::File ? info->size : 0, 1};
}

void GuardedUpload::promiseSpace(const std::string& upload, bool waits) {
  if (!terms_.rules.area || spec_.segment) return;
  const Usage old = replaced();
  const Usage more{spec_.size.value_or(0), missingFolders(*terms_.disk, terms_.inner) + 1 - old.files};
  const QuotaWish wish{more, upload, terms_.whole.text(), old.bytes, waits};
  promise_ = terms_.rules.area->promise(wish, terms_.rules.limits, spec_.name);
}

void GuardedUpload::promiseResumed(bool waits) {
  leavesPart_ = true;
  // Until then the upload that has the part holds the promise.
  if (waitsForPart()) return;
  // What is there of the file counted as a part until now.
  if (terms_.rules.area) terms_.rules.area->doubtParts();
  promiseSpace(PartStore::partName(inner_->spec()), waits);
}

void GuardedUpload::takePlace() {
  if (hasPlace_ || !terms_.takePlace) return;
  place_ = terms_.takePlace();
  hasPlace_ = true;
}

void GuardedUpload::admit(std::uint64_t count) {
  const std::uint64_t there = inner_->offset();
  if (count > terms_.maxSize - std::min(there, terms_.maxSize)) {
    throw Failure(ErrorCode::TooLarge,
                  "cannot store " + shownName(spec_.name) + ": more than the " + std::to_string(terms_.maxSize) +
                      " bytes that " + terms_.maxSizeRule + " allows",
                  terms_.maxSizeRule);
  }
  if (!terms_.rules.area || spec_.size || there + count <= promise_.promised().bytes) return;
  const std::uint64_t needed = there + count - promise_.promised().bytes;
  try {
    terms_.rules.area->promiseMore(promise_, std::max(needed, kStreamStep), terms_.rules.limits, spec_.name);
  } catch (const Failure&) {
    // Nobody knows that the body is that long.
    terms_.rules.area->promiseMore(promise_, needed, terms_.rules.limits, spec_.name);
  }
}

bool GuardedUpload::takeUp() {
  const bool waited = waitsForPart();
  const bool done = onDisk([&] { return inner_->takeUp(); });
  if (waited) promiseResumed(true);
  return done;
}

void GuardedUpload::write(std::span<const std::byte> bytes) {
  takePlace();
  admit(bytes.size());
  onDisk([&] { inner_->write(bytes); });
}

void GuardedUpload::writeHole(std::uint64_t count) {
  takePlace();
  admit(count);
  onDisk([&] { inner_->writeHole(count); });
}

void GuardedUpload::expectHole(std::uint64_t count) {
  admit(count);
  onDisk([&] { inner_->expectHole(count); });
}

std::size_t GuardedUpload::writeFromPipe(int pipe, std::size_t count) {
  takePlace();
  admit(count);
  return onDisk([&] { return inner_->writeFromPipe(pipe, count); });
}

void GuardedUpload::append(Upload& segment, std::uint64_t begin, std::uint64_t count) {
  auto* const other = dynamic_cast<GuardedUpload*>(&segment);
  if (other == nullptr || other->terms_.disk != terms_.disk || other->terms_.inner != terms_.inner) {
    throw Failure(ErrorCode::Forbidden, "the segment comes from someone who does not store that file");
  }
  admit(count);
  onDisk([&] { inner_->append(other->inner(), begin, count); });
}

bool GuardedUpload::digestOn() {
  return onDisk([&] { return inner_->digestOn(); });
}

std::vector<DigestValue> GuardedUpload::finish() {
  std::vector<DigestValue> digests = onDisk([&] { return inner_->finish(); });
  size_ = inner_->offset();
  place_ = UsePlace();
  return digests;
}

void GuardedUpload::restart() {
  onDisk([&] { inner_->restart(); });
}

void GuardedUpload::naming(NamingTerms& terms, const std::function<void()>& name) {
  rules_ = judge_();
  terms = rules_.naming;
  if (!rules_.area) return name();
  const auto measure = [this](const Usage&) {
    const std::uint64_t folders = missingFolders(*terms_.disk, terms_.inner);
    return UsageChange{{size_, folders + 1}, replaced(), folders == 0};
  };
  rules_.area->change({measure, name, rules_.limits, spec_.name, true});
  // What was promised is used now.
  promise_ = QuotaPromise();
}

std::unique_ptr<Upload> GuardedUpload::releaseInner() { return std::move(inner_); }

Failure GuardedUpload::told(const Failure& failure) const {
  const std::string what = "cannot store " + shownName(spec_.name);
  if (failure.code() == ErrorCode::Exists && spec_.naming.replace && !rules_.overwriteRule.empty()) {
    return {ErrorCode::Forbidden,
            what + ": there is a file of that name, and replacing it is not allowed by " + rules_.overwriteRule,
            rules_.overwriteRule};
  }
  if (failure.code() == ErrorCode::NotFound && !rules_.newRule.empty()) {
    return {
        ErrorCode::Forbidden,
        what + ": there is no file of that name to replace, and storing a new one is not allowed by " + rules_.newRule,
        rules_.newRule};
  }
  return terms_.retell ? terms_.retell(failure) : failure;
}

}  // namespace ft
