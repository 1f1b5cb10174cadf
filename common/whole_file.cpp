#include "common/whole_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "common/hex.h"
#include "common/unique_fd.h"

namespace ft {
namespace {

// So that two that write the same file at the same time do not write into each other's.
constexpr std::size_t kTagBytes = 8;

std::string temporaryFor(const std::string& leaf) {
  std::array<unsigned char, kTagBytes> tag{};
  if (::getrandom(tag.data(), tag.size(), 0) != static_cast<ssize_t>(tag.size())) return "";
  return leaf + ".new-" + toHex(tag);
}

// The content of a new file, on the disk unless told otherwise.
int fill(int fd, std::string_view bytes, const NewFile& how) {
  if (how.owner && ::fchown(fd, how.owner->user, how.owner->group) != 0) return errno;
  if (const int error = writeAll(fd, bytes); error != 0) return error;
  return !how.sync || ::fsync(fd) == 0 ? 0 : errno;
}

int syncFolder(int folder) {
  // Some file systems have nothing to sync in a folder.
  return ::fsync(folder) == 0 || errno == EINVAL ? 0 : errno;
}

}  // namespace

int readAtMost(int fd, std::size_t most, std::string& text) {
  std::array<char, 64 * 1024> piece{};
  while (most > 0) {
    const ssize_t size = ::read(fd, piece.data(), std::min(piece.size(), most));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    if (size == 0) return 0;
    text.append(piece.data(), static_cast<std::size_t>(size));
    most -= static_cast<std::size_t>(size);
  }
  return 0;
}

int writeAll(int fd, std::string_view bytes) { return writeMost(fd, bytes); }

int writeMost(int fd, std::string_view& left) {
  while (!left.empty()) {
    const ssize_t done = ::write(fd, left.data(), left.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    if (done == 0) return EIO;
    left.remove_prefix(static_cast<std::size_t>(done));
  }
  return 0;
}

int writeAllAt(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return done < 0 ? errno : EIO;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return 0;
}

int replaceFile(int folder, const std::string& leaf, std::string_view bytes, const NewFile& how) {
  const std::string temporary = temporaryFor(leaf);
  if (temporary.empty()) return errno;
  const UniqueFd file(
      ::openat(folder, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, how.mode));
  if (!file) return errno;
  int error = fill(file.get(), bytes, how);
  if (error == 0 && ::renameat(folder, temporary.c_str(), folder, leaf.c_str()) != 0) error = errno;
  if (error == 0) return how.sync ? syncFolder(folder) : 0;
  ::unlinkat(folder, temporary.c_str(), 0);
  return error;
}

int replaceFile(const std::string& path, std::string_view bytes, const NewFile& how) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const UniqueFd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return errno;
  return replaceFile(opened.get(), slash == std::string::npos ? path : path.substr(slash + 1), bytes, how);
}

}  // namespace ft
