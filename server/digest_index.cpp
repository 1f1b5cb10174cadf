#include "server/digest_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>

namespace ft {
namespace {

constexpr const char* kName = "digests";
constexpr const char* kNewName = "digests.new";
constexpr mode_t kPrivate = 0600;
// About as many lines as the cache holds. Bytes.
constexpr std::size_t kLong = 8 << 20;
// A longer file is not ours.
constexpr std::size_t kLongest = 64 << 20;
constexpr std::size_t kCheckDigits = 16;

std::string checkOf(std::string_view text) {
  return digestOf(DigestAlgorithm::Xxh128, std::as_bytes(std::span(text))).hex.substr(0, kCheckDigits);
}

std::string_view nextWord(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

template <typename Number>
bool readNumber(std::string_view& text, Number& number) {
  const std::string_view word = nextWord(text);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size();
}

bool isHex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

void writeAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;  // a full disk: the line that was cut is passed over when it is read
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

}  // namespace

std::string writeKnownDigest(const KnownDigest& known) {
  const FileVersion& v = known.version;
  std::string text = std::to_string(v.device) + " " + std::to_string(v.inode) + " " + std::to_string(v.size) + " " +
                     std::to_string(v.mtimeNs) + " " + std::to_string(v.ctimeNs) + " ";
  text += std::string(digestName(known.digest.algorithm)) + " " + known.digest.hex;
  return text + " " + checkOf(text) + "\n";
}

std::optional<KnownDigest> readKnownDigest(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.size() < kCheckDigits + 1) return std::nullopt;
  std::string_view text = line.substr(0, line.size() - kCheckDigits - 1);
  if (line.substr(text.size()) != " " + checkOf(text)) return std::nullopt;
  KnownDigest known;
  FileVersion& v = known.version;
  const bool numbers = readNumber(text, v.device) && readNumber(text, v.inode) && readNumber(text, v.size) &&
                       readNumber(text, v.mtimeNs) && readNumber(text, v.ctimeNs);
  const auto algorithm = digestFromName(nextWord(text));
  if (!numbers || !algorithm || text.size() != digestHexSize(*algorithm) || !isHex(text)) return std::nullopt;
  known.digest = {*algorithm, std::string(text)};
  return known;
}

DigestIndex::DigestIndex(int folder) : folder_(folder) { open(0); }

void DigestIndex::open(int flags) {
  file_.reset(::openat(folder_, kName, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, kPrivate));
  struct stat info {};
  if (file_ && (::fstat(file_.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1)) file_.reset();
}

void DigestIndex::load(DigestCache& cache) {
  struct stat info {};
  if (!file_ || ::fstat(file_.get(), &info) != 0 || info.st_size == 0) return;
  const auto size = static_cast<std::size_t>(info.st_size);
  std::string text(std::min(size, kLongest), '\0');
  const ssize_t got = ::pread(file_.get(), text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (const auto known = readKnownDigest(std::string_view(text).substr(begin, end - begin))) {
      cache.remember(known->version, known->digest);
    }
    begin = end + 1;
  }
  if (size > kLong) {
    shorten(text);
  } else if (!text.ends_with('\n')) {
    writeAll(file_.get(), "\n");  // the next line must not be lost with one that was cut
  }
}

void DigestIndex::shorten(const std::string& text) {
  const std::size_t newline = text.find('\n', text.size() / 2);
  const std::string_view kept = std::string_view(text).substr(std::min(newline, text.size() - 1) + 1);
  UniqueFd fresh(::openat(folder_, kNewName, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, kPrivate));
  if (!fresh) return;
  writeAll(fresh.get(), kept);
  if (::renameat(folder_, kNewName, folder_, kName) == 0) file_ = std::move(fresh);
}

void DigestIndex::append(std::span<const KnownDigest> known) {
  if (known.empty()) return;
  if (!file_) open(O_CREAT);
  if (!file_) return;
  std::string lines;
  for (const KnownDigest& one : known) lines += writeKnownDigest(one);
  writeAll(file_.get(), lines);
}

}  // namespace ft
