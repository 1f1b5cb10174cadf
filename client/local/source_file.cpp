#include "client/local/source_file.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "common/error.h"
#include "common/escape.h"
#include "common/file_time.h"
#include "common/protocol.h"

namespace ft {
namespace {

bool sameVersion(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
         a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

void requireRegular(const struct stat& status, const std::string& path) {
  if (S_ISREG(status.st_mode)) return;
  if (S_ISDIR(status.st_mode)) throw Failure(ErrorCode::IsDirectory, escapeText(path) + ": is a folder");
  throw Failure(ErrorCode::IoError,
                escapeText(path) + ": is not a regular file; to send a stream, write: ftpc put - -t NAME");
}

}  // namespace

void throwSourceChanged(const std::string& path) {
  throw Failure(ErrorCode::Changed, escapeText(path) + ": changed while it was read");
}

std::int64_t mtimeNsOf(const struct stat& status) { return exactNanoseconds(status.st_mtim).value_or(0); }

SourceFile SourceFile::open(const std::string& path, Links links) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (links == Links::Refuse ? O_NOFOLLOW : 0);
  UniqueFd fd(::open(path.c_str(), flags));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) throw failureFromErrno(errno, escapeText(path));
  requireRegular(status, path);
  return {std::move(fd), path, status};
}

std::int64_t SourceFile::mtimeNs() const { return mtimeNsOf(status_); }

std::uint32_t SourceFile::mode() const { return status_.st_mode & kModeMask; }

bool SourceFile::changed() const {
  struct stat now {};
  return ::fstat(fd_.get(), &now) != 0 || !sameVersion(now, status_);
}

void SourceFile::requireUnchanged() const {
  if (changed()) throwSourceChanged(path_);
}

void SourceFile::readAll(std::vector<char>& into) const {
  // One byte more than is due shows a file that has grown.
  into.resize(size() + 1);
  std::size_t filled = 0;
  while (filled < into.size()) {
    const ssize_t got = ::pread(fd_.get(), into.data() + filled, into.size() - filled, static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw failureFromErrno(errno, escapeText(path_));
    filled += static_cast<std::size_t>(got);
    // Fewer bytes than were asked for: the end, which requireUnchanged() looks at once more.
    if (got == 0 || filled == size()) break;
  }
  if (filled != size()) throwSourceChanged(path_);
  into.resize(filled);
  requireUnchanged();
}

std::uint64_t SourceFile::dataSize() const {
  constexpr std::uint64_t kBlock = 512;
  return std::min(size(), static_cast<std::uint64_t>(status_.st_blocks) * kBlock);
}

SourceFile::Extent SourceFile::nextData(std::uint64_t position) const {
  const off_t begin = ::lseek(fd_.get(), static_cast<off_t>(position), SEEK_DATA);
  if (begin < 0) {
    // ENXIO: only a hole is left. Anything else: a file system without holes.
    return errno == ENXIO ? Extent{size(), size()} : Extent{position, size()};
  }
  const off_t end = ::lseek(fd_.get(), begin, SEEK_HOLE);
  const std::uint64_t stop = end < 0 ? size() : std::min(size(), static_cast<std::uint64_t>(end));
  return {std::min(size(), static_cast<std::uint64_t>(begin)), stop};
}

}  // namespace ft
