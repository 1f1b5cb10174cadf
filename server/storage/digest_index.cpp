#include "server/storage/digest_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "common/error.h"
#include "common/whole_file.h"

namespace ft {
namespace {

constexpr const char* kName = "digests";
constexpr const char* kOtherName = "digests.other";
constexpr mode_t kPrivate = 0600;
// About as many lines as the cache holds. Bytes.
constexpr std::size_t kLong = 8 << 20;
// A longer file is not ours.
constexpr std::size_t kLongest = 64 << 20;
// All of the first `size` bytes; an errno when they cannot be had.
int readWhole(int fd, std::size_t size, std::string& text) {
  text.resize(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = ::pread(fd, text.data() + at, size - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return EIO;
    at += static_cast<std::size_t>(got);
  }
  return 0;
}

}  // namespace

DigestIndex::DigestIndex(int folder) : folder_(folder) { open(0); }

void DigestIndex::open(int flags) {
  file_.reset(::openat(folder_, kName, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, kPrivate));
  struct stat info {};
  if (file_ && (::fstat(file_.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1)) file_.reset();
}

std::string DigestIndex::load(DigestCache& cache) {
  struct stat info {};
  if (!file_ || ::fstat(file_.get(), &info) != 0 || info.st_size == 0) return "";
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > kLongest) return setAside();
  std::string text;
  if (const int error = readWhole(file_.get(), size, text); error != 0) {
    leftAlone_ = true;
    return "the file of remembered digests cannot be read and is left alone: " + errorText(error);
  }
  bool ours = false;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (const auto known = readKnownDigest(std::string_view(text).substr(begin, end - begin))) {
      cache.remember(known->version, known->digest);
      ours = true;
    }
    begin = end + 1;
  }
  lineIsCut_ = !text.ends_with('\n');
  // The very first line may have been cut.
  if (!ours && (text.size() > kLongestKnownDigest || !lineIsCut_)) return setAside();
  if (size > kLong) shorten(text);
  return "";
}

std::string DigestIndex::setAside() {
  file_.reset();
  const std::string what = "the file of remembered digests is not one of ours; it is ";
  leftAlone_ = ::renameat2(folder_, kName, folder_, kOtherName, RENAME_NOREPLACE) != 0;
  return what + (leftAlone_ ? "left alone, and digests are not written down" : std::string("now called ") + kOtherName);
}

void DigestIndex::shorten(std::string_view text) {
  const std::size_t newline = text.find('\n', text.size() / 2);
  if (newline == std::string_view::npos) return;
  if (replaceFile(folder_, kName, text.substr(newline + 1), {.mode = kPrivate}) == 0) open(0);
}

void DigestIndex::append(std::span<const KnownDigest> known) {
  if (known.empty() || leftAlone_) return;
  if (!file_) open(O_CREAT);
  if (!file_) return;
  std::string lines = lineIsCut_ ? "\n" : "";
  for (const KnownDigest& one : known) lines += writeKnownDigest(one);
  lineIsCut_ = writeAll(file_.get(), lines) != 0;  // the disk is full
}

}  // namespace ft
