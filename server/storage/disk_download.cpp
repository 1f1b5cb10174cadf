#include "server/storage/disk_download.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/file_time.h"

namespace ft {
namespace {

// From here on the kernel is told to read far ahead.
constexpr std::uint64_t kSequentialFrom = 1 << 20;

FileType typeOf(mode_t mode) {
  if (S_ISREG(mode)) return FileType::File;
  if (S_ISDIR(mode)) return FileType::Folder;
  return S_ISLNK(mode) ? FileType::Link : FileType::Other;
}

}  // namespace

FileInfo infoOf(const struct stat& info) {
  return {typeOf(info.st_mode), static_cast<std::uint64_t>(info.st_size), nanoseconds(info.st_mtim),
          info.st_mode & 0777};
}

DiskDownload::DiskDownload(UniqueFd fd, const struct stat& info, DigestCache& digests)
    : fd_(std::move(fd)),
      info_(infoOf(info)),
      version_(versionOf(info)),
      links_(info.st_nlink),
      mayHaveHoles_(static_cast<std::uint64_t>(info.st_blocks) * 512 < info_.size),
      digests_(digests) {
  if (info_.size >= kSequentialFrom) ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

std::size_t DiskDownload::read(std::uint64_t offset, std::span<std::byte> into) {
  if (offset >= info_.size) return 0;
  const std::size_t wanted = std::min<std::uint64_t>(into.size(), info_.size - offset);
  for (;;) {
    const ssize_t got = ::pread(fd_.get(), into.data(), wanted, static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw failureFromErrno(errno, "cannot read the file");
  }
}

Download::Extent DiskDownload::nextData(std::uint64_t offset) {
  const Extent end{info_.size, info_.size};
  if (offset >= info_.size) return end;
  if (!mayHaveHoles_) return {offset, info_.size};
  const off_t data = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_DATA);
  // ENXIO: only a hole is left. Anything else: the file system does not know holes.
  if (data < 0) return errno == ENXIO ? end : Extent{offset, info_.size};
  const off_t hole = ::lseek(fd_.get(), data, SEEK_HOLE);
  const std::uint64_t stop = hole < 0 ? info_.size : static_cast<std::uint64_t>(hole);
  return {std::min(static_cast<std::uint64_t>(data), info_.size), std::min(stop, info_.size)};
}

std::optional<DigestValue> DiskDownload::knownDigest(DigestAlgorithm algorithm) {
  return digests_.find(version_, algorithm);
}

void DiskDownload::rememberDigest(const DigestValue& digest) {
  if (info_.size < kShortestToRemember) return;
  struct stat now {};
  if (::fstat(fd_.get(), &now) == 0 && versionOf(now) == version_) digests_.remember(version_, digest);
}

std::string DiskDownload::version() const {
  std::string text;
  for (const auto number : {version_.device, version_.inode, version_.size}) text += std::to_string(number) + ":";
  return text + std::to_string(version_.mtimeNs) + ":" + std::to_string(version_.ctimeNs);
}

bool DiskDownload::changed() {
  struct stat now {};
  if (::fstat(fd_.get(), &now) != 0) return true;
  const FileVersion version = versionOf(now);
  if (version.size != version_.size || version.mtimeNs != version_.mtimeNs) return true;
  // A name that was replaced or removed changes the ctime as well, and nothing of the content.
  return version.ctimeNs != version_.ctimeNs && now.st_nlink >= links_;
}

}  // namespace ft
