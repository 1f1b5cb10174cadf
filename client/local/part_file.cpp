#include "client/local/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "common/digest.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/file_mask.h"
#include "common/file_time.h"
#include "common/hex.h"
#include "common/protocol.h"
#include "common/random_bytes.h"
#include "common/unnamed_file.h"
#include "common/whole_file.h"

namespace ft {
namespace {

constexpr std::string_view kSuffix = ".ftpc-part";
constexpr mode_t kPartMode = 0600;
constexpr std::array<char, 16> kGapsMark{'f', 't', 'p', 'c', ' ', 'p', 'a', 'r',
                                         't', ',', ' ', 'g', 'a', 'p', 's', '\n'};

// Stands behind the last byte of a part whose bytes come out of order.
struct GapsNote {
  std::array<char, 16> mark = kGapsMark;
  std::uint64_t inOrder = 0;
};
// Reserving less gains nothing; more is not believed before the bytes come. Bytes.
constexpr std::uint64_t kLeastReserved = 1 << 20;
constexpr std::uint64_t kMostReserved = 64 << 20;
constexpr unsigned kNoReplace = 1;  // RENAME_NOREPLACE, linux/fs.h

// At most `limit` bytes of `text`, cut between two characters.
std::string_view cutText(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

std::string nameWith(const std::string& leaf, const std::string& tag) {
  const std::size_t room = kMaxNamePartSize - kSuffix.size() - tag.size() - 2;
  std::string name = ".";
  name += cutText(leaf, room);
  if (!tag.empty()) name += "." + tag;
  name += kSuffix;
  return name;
}

std::string randomTag() { return toHex(randomBytes(8)); }

UniqueFd openPart(int folder, const std::string& name, int flags, mode_t mode = kPartMode) {
  return UniqueFd(::openat(folder, name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, mode));
}

// Is `fd` still the file of that name?
bool isNamed(int fd, int folder, const std::string& name) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd, &open) == 0 && ::fstatat(folder, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

// Is `fd` ours alone, and still the file of that name?
bool isUsable(int fd, int folder, const std::string& name) {
  struct stat open {};
  if (::fstat(fd, &open) != 0 || !S_ISREG(open.st_mode) || open.st_nlink != 1 || open.st_uid != ::geteuid())
    return false;
  return ::flock(fd, LOCK_EX | LOCK_NB) == 0 && isNamed(fd, folder, name);
}

// Of a part of `size` bytes: as many as came in order. The rest, if there is one, is cut off.
std::uint64_t cutGaps(int fd, std::uint64_t size) {
  GapsNote note;
  if (size < sizeof note) return size;
  const std::uint64_t end = size - sizeof note;
  if (::pread(fd, &note, sizeof note, static_cast<off_t>(end)) != ssize_t{sizeof note} || note.mark != kGapsMark) {
    return size;
  }
  const std::uint64_t inOrder = std::min(note.inOrder, end);
  return ::ftruncate(fd, static_cast<off_t>(inOrder)) == 0 ? inOrder : size;
}

}  // namespace

std::string partName(const std::string& leaf) {
  if (leaf.size() + kSuffix.size() + 1 <= kMaxNamePartSize) return nameWith(leaf, "");
  return nameWith(leaf, digestOf(DigestAlgorithm::Xxh128, std::as_bytes(std::span(leaf))).hex.substr(0, 16));
}

bool isPartName(std::string_view leaf) {
  return leaf.size() > kSuffix.size() && leaf.starts_with('.') && leaf.ends_with(kSuffix);
}

std::optional<PartFile> PartFile::openLeft(const FolderPtr& folder, const std::string& leaf) {
  std::string name = partName(leaf);
  UniqueFd fd = openPart(folder->fd.get(), name, 0);
  struct stat status {};
  if (!fd || !isUsable(fd.get(), folder->fd.get(), name) || ::fstat(fd.get(), &status) != 0) return std::nullopt;
  PartFile part(folder, leaf, std::move(name), std::move(fd));
  part.size_ = cutGaps(part.fd(), static_cast<std::uint64_t>(status.st_size));
  part.keep_ = true;
  return part;
}

PartFile PartFile::create(const FolderPtr& folder, const std::string& leaf, std::optional<std::uint32_t> mode) {
  std::string name = partName(leaf);
  // What is left of it must be found again, and be ours to write.
  const bool usable = mode && (*mode & kPartMode) == kPartMode;
  UniqueFd fd = openPart(folder->fd.get(), name, O_CREAT | O_EXCL, usable ? *mode & kModeMask : kPartMode);
  if (fd) ::flock(fd.get(), LOCK_EX | LOCK_NB);
  if (!fd && errno == EEXIST) {
    if (auto left = openLeft(folder, leaf)) {
      left->clear();
      left->keep_ = false;
      return std::move(*left);
    }
    name = nameWith(leaf, randomTag());
    fd = openPart(folder->fd.get(), name, O_CREAT | O_EXCL);
  }
  if (!fd) throw failureFromErrno(errno, escapeText(folder->path + "/" + leaf));
  return {folder, leaf, std::move(name), std::move(fd)};
}

bool PartFile::canBeUnnamed(const Folder& folder) { return canLinkUnnamed(folder.fd.get(), nameWith("", randomTag())); }

PartFile PartFile::createUnnamed(const FolderPtr& folder, const std::string& leaf, std::optional<std::uint32_t> mode) {
  UniqueFd fd = openUnnamed(folder->fd.get(), mode ? *mode & kModeMask : kPartMode);
  if (!fd) return create(folder, leaf, mode);
  return {folder, leaf, "", std::move(fd)};
}

PartFile::PartFile(PartFile&& other) noexcept
    : folder_(std::move(other.folder_)),
      leaf_(std::move(other.leaf_)),
      name_(std::exchange(other.name_, {})),
      fd_(std::move(other.fd_)),
      size_(other.size_),
      keep_(other.keep_) {}

PartFile::~PartFile() {
  if (name_.empty() || (keep_ && size_ >= kWorthKeeping) || !hasItsName()) return;
  ::unlinkat(folder_->fd.get(), name_.c_str(), 0);
}

bool PartFile::hasItsName() const { return isNamed(fd_.get(), folder_->fd.get(), name_); }

void PartFile::fail(int error) const { throw failureFromErrno(error, escapeText(folder_->path + "/" + leaf_)); }

void PartFile::write(std::span<const std::byte> bytes) {
  if (const int error = writeAllAt(fd_.get(), bytes, size_)) fail(error);
  size_ += bytes.size();
}

std::optional<std::size_t> PartFile::take(SpliceMover& mover, int socket, std::size_t most) {
  try {
    const auto moved = mover.move(socket, {fd_.get(), size_}, most);
    size_ += moved.value_or(0);
    return moved;
  } catch (const Failure& failure) {
    throw Failure(failure.code(), escapeText(folder_->path + "/" + leaf_) + ": " + failure.what());
  }
}

void PartFile::reserve(std::uint64_t bytes) {
  // A file system that cannot, or has no room, tells when the bytes come.
  const std::uint64_t size = std::min(bytes, kMostReserved);
  if (size >= kLeastReserved) {
    ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size_), static_cast<off_t>(size));
  }
}

void PartFile::hole(std::uint64_t count) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size_ + count)) != 0) fail(errno);
  size_ += count;
}

void PartFile::noteGaps(std::uint64_t inOrder, std::uint64_t size) const {
  GapsNote note;
  note.inOrder = inOrder;
  const ssize_t done = ::pwrite(fd_.get(), &note, sizeof note, static_cast<off_t>(size));
  if (done != ssize_t{sizeof note}) fail(done < 0 ? errno : ENOSPC);
}

void PartFile::endGaps(std::uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) fail(errno);
  size_ = size;
}

void PartFile::clear() {
  if (::ftruncate(fd_.get(), 0) != 0) fail(errno);
  size_ = 0;
}

void PartFile::finish(std::optional<std::uint32_t> mode, std::optional<std::int64_t> mtimeNs) {
  if (!mode) mode = 0666U & ~fileCreationMask();
  struct stat status {};
  const bool same = ::fstat(fd_.get(), &status) == 0 && (status.st_mode & 07777) == (*mode & kModeMask);
  if (!same && ::fchmod(fd_.get(), *mode & kModeMask) != 0) fail(errno);
  if (mtimeNs && ::futimens(fd_.get(), modifiedAt(*mtimeNs).data()) != 0) fail(errno);
}

void PartFile::startSync() { ::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE); }

bool PartFile::takeName(bool replace) {
  int error = linkUnnamed(fd_.get(), folder_->fd.get(), leaf_);
  if (error == 0) return true;
  if (error != EEXIST || !replace) fail(error);
  std::string hidden = nameWith(leaf_, randomTag());
  error = linkUnnamed(fd_.get(), folder_->fd.get(), hidden);
  if (error != 0) fail(error);
  name_ = std::move(hidden);
  return false;
}

void PartFile::publish(bool replace) {
  if (name_.empty() && takeName(replace)) return;
  if (!hasItsName()) {
    throw Failure(ErrorCode::IoError, escapeText(folder_->path + "/" + leaf_) + ": what was fetched is gone: '" +
                                          escapeText(name_) + "' was removed or replaced");
  }
  const int folder = folder_->fd.get();
  long result = replace ? ::renameat(folder, name_.c_str(), folder, leaf_.c_str())
                        : ::syscall(SYS_renameat2, folder, name_.c_str(), folder, leaf_.c_str(), kNoReplace);
  if (result != 0 && !replace && (errno == EINVAL || errno == ENOSYS)) {
    // A file system without RENAME_NOREPLACE: a link fails where the name exists.
    result = ::linkat(folder, name_.c_str(), folder, leaf_.c_str(), 0);
    if (result == 0) ::unlinkat(folder, name_.c_str(), 0);
  }
  if (result != 0) fail(errno);
  name_.clear();
}

}  // namespace ft
