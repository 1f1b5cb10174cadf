#include "server/storage/disk_upload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>

#include "common/file_time.h"
#include "common/whole_file.h"
#include "server/storage/disk_failure.h"

namespace ft {
namespace {

constexpr std::uint64_t kMaxFileSize = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
// From here on the blocks are allocated at once, in few pieces.
constexpr std::uint64_t kPreallocateFrom = 1 << 20;
// How much a body of unknown size reserves at a time.
constexpr std::uint64_t kStreamStep = 16 << 20;
// How much may be dirty before the disk is told to begin.
constexpr std::uint64_t kWritebackStep = 8 << 20;

// Gives the file a time between two ticks of the kernel's clock: whatever is written from now on changes it, also
// within this tick. Returns an errno.
int setTimeOfNow(int fd) {
  std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{}};
  return ::clock_gettime(CLOCK_REALTIME, &times[1]) == 0 && ::futimens(fd, times.data()) == 0 ? 0 : errno;
}

}  // namespace

DiskUpload::DiskUpload(DiskCore& core, PutSpec spec)
    : core_(core), spec_(std::move(spec)), digest_(core.hashers, spec_.digests, spec_.size) {
  if (spec_.size.value_or(0) > kMaxFileSize) throw diskFailure(EFBIG, "store", spec_.name);
}

void DiskUpload::begin(bool free) {
  free_ = free;
  reserve();
}

void DiskUpload::resume(DigestAlgorithm prefixDigest) {
  wanted_ = WantedPart{prefixDigest, std::chrono::steady_clock::now() + core_.options.partWait};
  claimPart();
}

// False: another upload has it, and there is still time.
bool DiskUpload::claimPart() {
  claim_ = core_.parts.claim(PartStore::partName(spec_));
  if (!claim_ && std::chrono::steady_clock::now() < wanted_->until) return false;
  const DigestAlgorithm prefixDigest = wanted_->prefixDigest;
  wanted_.reset();
  if (claim_) {
    openPart(prefixDigest);
  } else {
    reserve();
  }
  return true;
}

DiskUpload::~DiskUpload() {
  digest_.giveUp();
  if (!claim_ || discarded_ || !file_ || file_.name().empty() || !core_.parts.keeps(offset_)) return;
  // Gives back what was reserved beyond the end, and makes a hole at the end part of the file.
  if (::ftruncate(file_.fd(), static_cast<off_t>(offset_)) != 0) return;
  keepDigests();
  file_.release();
}

void DiskUpload::keepDigests() noexcept {
  try {
    if (takingUp_ && digest_.isBehind()) return;
    std::optional<DigestSet> digests = digest_.release();
    if (!digests) return;
    struct stat info {};
    if (setTimeOfNow(file_.fd()) != 0 || ::fstat(file_.fd(), &info) != 0) return;
    core_.partDigests.keep(claim_->part(), versionOf(info), std::move(*digests));
  } catch (const std::exception&) {
    // Then the part is read again.
    return;
  }
}

void DiskUpload::reserve() {
  if (!spec_.size) return;
  const std::uint64_t data = std::min(spec_.dataSize.value_or(*spec_.size), *spec_.size);
  space_ = core_.space.reserve(data - std::min(data, offset_), spec_.name);
}

StagedFile& DiskUpload::file() {
  if (!file_) {
    file_ = create();
    digest_.attach(file_.fd());
    preallocate();
  }
  return file_;
}

StagedFile DiskUpload::create() {
  const mode_t mode = spec_.mode.value_or(core_.options.fileMode) & 0777;
  // The owner must be able to go on with a part that another run has begun.
  if (claim_) return core_.parts.create(*claim_, mode | 0600);
  // Only a rename takes the place of another file, and a file that was given away may not be linked. Where files are
  // synced, that is what takes the time.
  const bool given = core_.options.owner.uid || core_.options.owner.gid;
  return free_ && !given && !core_.syncsFiles() ? core_.staging.createUnnamed(mode) : core_.staging.create(mode);
}

void DiskUpload::preallocate() {
  const std::uint64_t size = spec_.size.value_or(0);
  if (size < kPreallocateFrom || spec_.dataSize.value_or(size) < size) return;
  // Not every file system can. The reservation stands in either case; blocks that are allocated are no longer free, and
  // leave it.
  if (::fallocate(file_.fd(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)) == 0) {
    preallocated_ = true;
    space_.use(space_.bytes());
  } else if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
    fail(errno);
  }
}

void DiskUpload::dropPreallocation() {
  if (!preallocated_) return;
  if (::ftruncate(file_.fd(), static_cast<off_t>(end_)) != 0) fail(errno);
  preallocated_ = false;
}

void DiskUpload::admit(std::uint64_t count) {
  const std::uint64_t limit = spec_.size.value_or(kMaxFileSize);
  if (count > limit - offset_) {
    throw failureAbout(ErrorCode::TooLarge,
                       {"cannot store ", spec_.name, ": more than the " + std::to_string(limit),
                        spec_.size ? " bytes that were announced" : " bytes that a file can have"});
  }
}

void DiskUpload::wrote(std::uint64_t count) {
  offset_ += count;
  end_ = offset_;
  if (!preallocated_) space_.use(count);
  if (core_.syncsFiles() && offset_ - writeback_ >= kWritebackStep) startWriteback();
}

void DiskUpload::startWriteback() {
  // Only a hint: what went wrong is told by the sync.
  ::sync_file_range(file_.fd(), static_cast<off_t>(writeback_), static_cast<off_t>(offset_ - writeback_),
                    SYNC_FILE_RANGE_WRITE);
  writeback_ = offset_;
}

void DiskUpload::write(std::span<const std::byte> bytes) {
  admit(bytes.size());
  if (bytes.empty()) return;
  const int fd = file().fd();
  makeRoom(bytes.size());
  if (const int error = writeAllAt(fd, bytes, offset_); error != 0) fail(error);
  digest_.wrote(bytes);
  wrote(bytes.size());
}

std::size_t DiskUpload::writeFromPipe(int pipe, std::size_t count) {
  admit(count);
  const int fd = file().fd();
  makeRoom(count);
  auto at = static_cast<off64_t>(offset_);
  ssize_t moved = ::splice(pipe, nullptr, fd, &at, count, SPLICE_F_MOVE);
  if (moved < 0 && errno == EINVAL) moved = copyFromPipe(pipe, count);
  if (moved < 0 && errno == EINTR) return writeFromPipe(pipe, count);
  if (moved <= 0) fail(moved < 0 ? errno : EIO);
  wrote(static_cast<std::uint64_t>(moved));
  digest_.wrote(static_cast<std::uint64_t>(moved));
  return static_cast<std::size_t>(moved);
}

ssize_t DiskUpload::copyFromPipe(int pipe, std::size_t count) {
  std::vector<std::byte> block(std::min<std::size_t>(count, 64 * 1024));
  const ssize_t got = ::read(pipe, block.data(), block.size());
  if (got <= 0) return got;
  const auto bytes = std::span<const std::byte>(block).first(static_cast<std::size_t>(got));
  if (const int error = writeAllAt(file_.fd(), bytes, offset_); error != 0) fail(error);
  return got;
}

void DiskUpload::makeRoom(std::uint64_t count) {
  if (preallocated_ || space_.bytes() >= count) return;
  space_ = {};
  if (!spec_.size && count < kStreamStep) {
    try {
      space_ = core_.space.reserve(kStreamStep, spec_.name);
      return;
    } catch (const Failure&) {
      // Nobody knows that the body is that long.
    }
  }
  space_ = core_.space.reserve(count, spec_.name);
}

void DiskUpload::expectHole(std::uint64_t count) {
  // Anything shorter is within what every file system can do.
  constexpr std::uint64_t kAskFrom = std::uint64_t{1} << 40;
  admit(count);
  if (offset_ + count < kAskFrom) return;
  const int fd = file().fd();
  dropPreallocation();
  const bool tooLong = ::ftruncate(fd, static_cast<off_t>(offset_ + count)) != 0 && errno == EFBIG;
  if (::ftruncate(fd, static_cast<off_t>(end_)) != 0) fail(errno);
  if (tooLong) {
    throw failureAbout(ErrorCode::TooLarge, {"cannot store ", spec_.name, ": the file system holds no file that long"});
  }
}

void DiskUpload::writeHole(std::uint64_t count) {
  admit(count);
  if (count == 0) return;
  file();
  dropPreallocation();
  digest_.skipped(count);
  offset_ += count;
}

void DiskUpload::append(Upload& segment, std::uint64_t begin, std::uint64_t count) {
  constexpr std::uint64_t kAppendStep = 8 << 20;
  StagedFile& source = dynamic_cast<DiskUpload&>(segment).file();
  admit(count);
  const int fd = file().fd();
  for (std::uint64_t copied = 0; copied < count;) {
    const std::uint64_t step = std::min(kAppendStep, count - copied);
    makeRoom(step);
    auto from = static_cast<off64_t>(begin + copied);
    auto to = static_cast<off64_t>(offset_);
    const ssize_t done = ::copy_file_range(source.fd(), &from, fd, &to, step, 0);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail(done < 0 ? errno : EIO);
    copied += static_cast<std::uint64_t>(done);
    wrote(static_cast<std::uint64_t>(done));
    digest_.wrote(static_cast<std::uint64_t>(done));
  }
}

std::vector<DigestValue> DiskUpload::finish() {
  if (spec_.size && offset_ != *spec_.size) {
    throw failureAbout(ErrorCode::Integrity,
                       {"cannot store ", spec_.name,
                        ": " + std::to_string(offset_) + " of " + std::to_string(*spec_.size) + " bytes have arrived"});
  }
  const int fd = file().fd();
  if (end_ != offset_ && ::ftruncate(fd, static_cast<off_t>(offset_)) != 0) fail(errno);
  const mode_t mode = spec_.mode.value_or(core_.options.fileMode) & 0777;
  if ((claim_ || core_.needsChmod(mode)) && ::fchmod(fd, mode) != 0) fail(errno);
  // Small files are left to the commit, which knows how many there are.
  if (core_.syncsFiles() && offset_ >= kPreallocateFrom) startWriteback();
  std::vector<DigestValue> values = digest_.finish();
  const bool timed = setTime(fd);
  // Last, as the file is not ours to change any more.
  if (const int error = core_.root.give(fd); error != 0) fail(error);
  if (timed) left_ = versionToRemember(fd);
  space_ = {};
  finished_ = true;
  // The digest of a part's prefix may have been one more.
  values.resize(spec_.digests.size());
  return values;
}

// Whether every change from now on will be seen by the mtime.
bool DiskUpload::setTime(int fd) const {
  if (!spec_.mtimeNs) return offset_ >= kShortestToRemember && setTimeOfNow(fd) == 0;
  const timespec times[2] = {{0, UTIME_OMIT}, timeOf(*spec_.mtimeNs)};
  if (::futimens(fd, times) != 0) fail(errno);
  return true;
}

std::optional<FileVersion> DiskUpload::versionToRemember(int fd) const {
  struct stat info {};
  if (offset_ < kShortestToRemember || spec_.segment || ::fstat(fd, &info) != 0) return std::nullopt;
  return versionOf(info);
}

void DiskUpload::openPart(DigestAlgorithm prefixDigest) {
  file_ = core_.parts.open(*claim_);
  struct stat info {};
  // Only what is truly on the disk is offered, where that is asked for. A sync that fails may have thrown pages away,
  // so the part is not used.
  const bool synced = file_ && (!core_.syncsFiles() || ::fdatasync(file_.fd()) == 0);
  const bool usable = synced && ::fstat(file_.fd(), &info) == 0;
  const auto length = static_cast<std::uint64_t>(info.st_size);
  if (!usable || length == 0 || length > *spec_.size) {
    dropPart();
    return;
  }
  std::vector<DigestAlgorithm> algorithms = spec_.digests;
  if (std::find(algorithms.begin(), algorithms.end(), prefixDigest) == algorithms.end())
    algorithms.push_back(prefixDigest);
  auto kept = core_.partDigests.take(claim_->part(), versionOf(info), algorithms);
  digest_.attach(file_.fd());
  digest_.resume(length, algorithms, std::move(kept));
  // From now on the part is kept when the upload is given up.
  offset_ = end_ = writeback_ = length;
  takingUp_ = prefixDigest;
}

bool DiskUpload::takeUp() {
  if (wanted_ && !claimPart()) return false;
  if (!takingUp_) return true;
  if (digest_.readOn() != 0) {
    dropPart();
    return true;
  }
  if (digest_.isBehind()) return false;
  prefix_ = digest_.value(*takingUp_);
  takingUp_.reset();
  reserve();
  preallocate();
  return true;
}

void DiskUpload::dropPart() {
  file_ = StagedFile();
  forget();
  reserve();
}

void DiskUpload::forget() {
  digest_.restart();
  offset_ = end_ = writeback_ = 0;
  takingUp_.reset();
  prefix_.reset();
}

void DiskUpload::restart() {
  digest_.giveUp();
  if (file_ && ::ftruncate(file_.fd(), 0) != 0) fail(errno);
  forget();
  left_.reset();
  preallocated_ = finished_ = false;
  reserve();
  if (file_) preallocate();
}

void DiskUpload::fail(int error) const { throw diskFailure(error, "store", spec_.name); }

}  // namespace ft
