#include "common/known_digest.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "common/file_time.h"

namespace ft {
namespace {

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

}  // namespace

FileVersion versionOf(const struct stat& info) {
  return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size), nanoseconds(info.st_mtim),
          nanoseconds(info.st_ctim)};
}

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

}  // namespace ft
