#include "server/storage/part_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

std::string ownersPrefix(const std::string& owner) { return owner.empty() ? "" : hashOf(owner) + "-"; }

}  // namespace

PartClaim::~PartClaim() {
  if (store_ == nullptr) return;
  const std::lock_guard lock(store_->mutex_);
  store_->claimed_.erase(part_);
}

PartStore::PartStore(int folder, std::chrono::milliseconds expire) : folder_(folder), expire_(expire) {}

std::string PartStore::partName(const PutSpec& spec) {
  std::string identity = spec.name.text();
  identity += '\0';
  identity += std::to_string(spec.size.value());
  identity += '\0';
  identity += std::to_string(spec.mtimeNs.value());
  return ownersPrefix(spec.owner) + hashOf(identity);
}

std::vector<PartStore::Left> PartStore::leftBy(const std::string& owner) {
  const std::string prefix = ownersPrefix(owner);
  FolderReader::Entry entry;
  std::vector<Left> parts;
  // With the descriptor that is open: counting must not fail where files cannot be opened any more.
  FolderReader reader(folder_);
  int error = reader.seek(0);
  while (error == 0 && reader.next(entry)) {
    std::string part(entry.name);
    struct stat info {};
    if (!part.starts_with(prefix) || claimed_.contains(part)) continue;
    if (::fstatat(folder_, part.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) continue;
    parts.push_back({info.st_ctim, static_cast<std::uint64_t>(info.st_size), std::move(part)});
  }
  if (error == 0) error = reader.error();
  if (error != 0) throw failureFromErrno(error, "cannot count the parts of cut uploads");
  return parts;
}

std::uint64_t PartStore::bytesOf(const std::string& owner) {
  std::uint64_t bytes = 0;
  const std::lock_guard lock(mutex_);
  for (const Left& left : leftBy(owner)) bytes += left.size;
  return bytes;
}

void PartStore::removeOldest(const std::string& owner, std::uint64_t bytes) {
  if (owner.empty()) return;
  const std::lock_guard lock(mutex_);
  std::vector<Left> parts = leftBy(owner);
  std::sort(parts.begin(), parts.end(), [](const Left& a, const Left& b) {
    return std::tie(a.since.tv_sec, a.since.tv_nsec) < std::tie(b.since.tv_sec, b.since.tv_nsec);
  });
  std::uint64_t freed = 0;
  for (auto left = parts.begin(); left != parts.end() && freed < bytes; ++left) {
    if (::unlinkat(folder_, left->part.c_str(), 0) == 0) freed += left->size;
  }
}

std::unique_ptr<PartClaim> PartStore::claim(std::string part) {
  // Before anything is claimed, as memory may run out.
  auto claim = std::make_unique<PartClaim>(std::move(part));
  const std::lock_guard lock(mutex_);
  if (!claimed_.insert(claim->part()).second) return nullptr;
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
  if (!S_ISREG(info.st_mode) || info.st_size == 0 || isStale(info, expire_)) {
    ::unlinkat(folder_, part.c_str(), 0);
    return;
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (static_cast<std::uint64_t>(info.st_blocks) * 512 <= size + kRounding) return;
  const UniqueFd fd(::openat(folder_, part.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (fd && ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) && ::ftruncate(fd.get(), info.st_size) != 0) {
    ::unlinkat(folder_, part.c_str(), 0);
  }
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
    if (error != 0) throw failureFromErrno(error, kAction);
    return true;
  }
  return false;
}

}  // namespace ft
