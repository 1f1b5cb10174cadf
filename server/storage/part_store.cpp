#include "server/storage/part_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <tuple>
#include <vector>

#include "common/digest.h"
#include "common/error.h"
#include "server/storage/disk_failure.h"

namespace ft {
namespace {

// More than this beyond a part's length is space that was reserved for the rest of the file, not the file system's
// rounding.
constexpr std::uint64_t kRounding = 128 * 1024;

bool isStale(const struct stat& info, std::chrono::milliseconds expire) {
  // ctime, as the mtime may already be the one that the client asked for.
  const auto touched = std::chrono::system_clock::time_point(std::chrono::seconds(info.st_ctim.tv_sec) +
                                                             std::chrono::nanoseconds(info.st_ctim.tv_nsec));
  return std::chrono::system_clock::now() - touched > expire;
}

std::string hashOf(const std::string& text) {
  return digestOf(DigestAlgorithm::Xxh128, std::as_bytes(std::span(text))).hex;
}

// What a file takes of a disk, however short it is.
constexpr std::uint64_t kBlock = 4096;
// One of so many parts goes whenever some have to.
constexpr std::size_t kShareToRemove = 16;

Usage usageOfPart(const struct stat& info) { return {std::max(static_cast<std::uint64_t>(info.st_size), kBlock), 1}; }

std::string ownersPrefix(const std::string& owner) { return owner.empty() ? "" : hashOf(owner) + "-"; }
// Of the owner whose part it is.
std::string prefixOf(const std::string& part) { return part.substr(0, part.find('-') + 1); }

}  // namespace

PartClaim::~PartClaim() {
  if (store_ == nullptr) return;
  const std::lock_guard lock(store_->mutex_);
  store_->claimed_.erase(part_);
  store_->add(part_);
}

PartStore::PartStore(int folder, std::chrono::milliseconds expire, std::uint64_t least)
    : folder_(folder), expire_(expire), least_(std::max<std::uint64_t>(least, 1)) {}

std::string PartStore::partName(const PutSpec& spec) {
  std::string identity = spec.name.text();
  identity += '\0';
  identity += std::to_string(spec.size.value());
  identity += '\0';
  identity += std::to_string(spec.mtimeNs.value());
  return ownersPrefix(spec.owner) + hashOf(identity);
}

template <typename Look>
void PartStore::readLeft(const Look& look) {
  FolderReader::Entry entry;
  // With the descriptor that is open: counting must not fail where files cannot be opened any more.
  FolderReader reader(folder_);
  int error = reader.seek(0);
  while (error == 0 && reader.next(entry)) {
    const std::string part(entry.name);
    struct stat info {};
    if (claimed_.contains(part) || ::fstatat(folder_, part.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISREG(info.st_mode)) look(part, info);
  }
  if (error == 0) error = reader.error();
  if (error != 0) throw failureFromErrno(error, "cannot count the parts of cut uploads");
}

std::vector<PartStore::Left> PartStore::leftBy(const std::string& owner) {
  const std::string prefix = ownersPrefix(owner);
  std::vector<Left> parts;
  readLeft([&](const std::string& part, const struct stat& info) {
    if (part.starts_with(prefix)) parts.push_back({info.st_ctim, usageOfPart(info), part});
  });
  return parts;
}

PartStore::Sums& PartStore::sums() {
  if (sums_) return *sums_;
  Sums read;
  readLeft([&](const std::string& part, const struct stat& info) {
    Usage& sum = read[prefixOf(part)];
    sum.bytes += usageOfPart(info).bytes;
    ++sum.files;
  });
  return sums_.emplace(std::move(read));
}

void PartStore::add(const std::string& part) noexcept {
  struct stat info {};
  if (!sums_ || ::fstatat(folder_, part.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) return;
  try {
    Usage& sum = (*sums_)[prefixOf(part)];
    sum.bytes += usageOfPart(info).bytes;
    ++sum.files;
  } catch (const std::bad_alloc&) {
    sums_.reset();  // then they are read again
  }
}

void PartStore::takeAway(const std::string& part) noexcept {
  struct stat info {};
  if (!sums_ || ::fstatat(folder_, part.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) return;
  try {
    const auto sum = sums_->find(prefixOf(part));
    if (sum == sums_->end()) return;
    sum->second.bytes -= std::min(sum->second.bytes, usageOfPart(info).bytes);
    if (sum->second.files-- <= 1) sums_->erase(sum);
  } catch (const std::bad_alloc&) {
    sums_.reset();
  }
}

Usage PartStore::usageOf(const std::string& owner) {
  const std::string prefix = ownersPrefix(owner);
  const std::lock_guard lock(mutex_);
  const Sums& all = sums();
  const auto sum = all.find(prefix);
  return sum == all.end() ? Usage() : sum->second;
}

void PartStore::removeOldest(const std::string& owner, Usage wanted) {
  if (owner.empty()) return;
  const std::lock_guard lock(mutex_);
  std::vector<Left> parts = leftBy(owner);
  std::sort(parts.begin(), parts.end(), [](const Left& a, const Left& b) {
    return std::tie(a.since.tv_sec, a.since.tv_nsec) < std::tie(b.since.tv_sec, b.since.tv_nsec);
  });
  wanted.files = std::max<std::uint64_t>(wanted.files, parts.size() / kShareToRemove);
  Usage freed;
  for (const Left& left : parts) {
    if (freed.bytes >= wanted.bytes && freed.files >= wanted.files) return;
    takeAway(left.part);
    if (::unlinkat(folder_, left.part.c_str(), 0) != 0) {
      add(left.part);
      continue;
    }
    freed.bytes += left.usage.bytes;
    ++freed.files;
  }
}

std::unique_ptr<PartClaim> PartStore::claim(std::string part) {
  // Before anything is claimed, as memory may run out.
  auto claim = std::make_unique<PartClaim>(std::move(part));
  const std::lock_guard lock(mutex_);
  if (!claimed_.insert(claim->part()).second) return nullptr;
  takeAway(claim->part());
  claim->store_ = this;
  return claim;
}

StagedFile PartStore::open(const PartClaim& claim) {
  const char* const part = claim.part().c_str();
  UniqueFd fd(::openat(folder_, part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat info {};
  const bool usable =
      fd && ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1 && !isStale(info, expire_);
  if (usable) return StagedFile(std::move(fd), folder_, claim.part());
  ::unlinkat(folder_, part, 0);
  return {};
}

StagedFile PartStore::create(const PartClaim& claim, mode_t mode) {
  UniqueFd fd(::openat(folder_, claim.part().c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd) throw ownFolderFailure(errno, "cannot make a file to keep the upload in");
  return StagedFile(std::move(fd), folder_, claim.part());
}

void PartStore::cleanOne(const std::string& part) {
  struct stat info {};
  // The lock keeps an upload from claiming the part between the look and the removal.
  const std::lock_guard lock(mutex_);
  if (claimed_.contains(part) || ::fstatat(folder_, part.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  const auto remove = [&] {
    takeAway(part);
    if (::unlinkat(folder_, part.c_str(), 0) != 0) add(part);
  };
  if (!S_ISREG(info.st_mode) || !keeps(static_cast<std::uint64_t>(info.st_size)) || isStale(info, expire_)) {
    return remove();
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (static_cast<std::uint64_t>(info.st_blocks) * 512 <= size + kRounding) return;
  const UniqueFd fd(::openat(folder_, part.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (fd && ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) && ::ftruncate(fd.get(), info.st_size) != 0)
    remove();
}

bool PartStore::clean(std::chrono::steady_clock::time_point deadline) {
  constexpr const char* kAction = "cannot look through the parts of cut uploads";
  if (!sweep_) {
    UniqueFd own(::openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) throw failureFromErrno(errno, kAction);
    sweep_ = std::make_unique<Sweep>(std::move(own));
  }
  FolderReader::Entry entry;
  while (std::chrono::steady_clock::now() < deadline) {
    if (sweep_->reader.next(entry)) {
      cleanOne(std::string(entry.name));
      continue;
    }
    const int error = sweep_->reader.error();
    sweep_.reset();
    const std::lock_guard lock(mutex_);
    sums_.reset();  // what somebody else has removed is noticed by the next to ask
    if (error != 0) throw failureFromErrno(error, kAction);
    return true;
  }
  return false;
}

}  // namespace ft
