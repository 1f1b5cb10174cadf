#include "common/file_name.h"

#include <algorithm>
#include <cstddef>

#include "common/error.h"
#include "common/escape.h"
#include "common/protocol.h"

namespace ft {
namespace {

// How much of a refused name a message shows. Bytes.
constexpr std::size_t kShownName = 200;

[[noreturn]] void refuse(std::string_view name, const std::string& reason) {
  throw Failure(ErrorCode::NameInvalid, "the name '" + escapeText(name, kShownName) + "' is not allowed: " + reason);
}

[[noreturn]] void refuseSlash(std::string_view name) {
  const std::string_view relative = name.substr(std::min(name.find_first_not_of('/'), name.size()));
  if (relative.empty()) refuse(name, "it begins with '/'");
  refuse(name, "it begins with '/'; names begin at the root: write '" + escapeText(relative, kShownName) + "'");
}

void checkCharacters(std::string_view name) {
  for (std::size_t pos = 0; pos < name.size();) {
    const char32_t c = nextCodePoint(name, pos);
    if (c == kBadCodePoint) refuse(name, "it is not valid UTF-8");
    if (c == '\\') refuse(name, "it has a backslash");
    if (isUnsafeCodePoint(c)) refuse(name, "it has a control character");
  }
}

// In any case of its letters: a file system that ignores case would reach the daemon's folder by them.
bool isReserved(std::string_view part) {
  const auto same = [](char given, char reserved) {
    return given == reserved || (given >= 'A' && given <= 'Z' && given + ('a' - 'A') == reserved);
  };
  return std::equal(part.begin(), part.end(), kReservedFolder.begin(), kReservedFolder.end(), same);
}

void checkPart(std::string_view name, std::string_view part) {
  if (part.empty()) refuse(name, "it has an empty part");
  if (part == "." || part == "..") refuse(name, "it has a part '" + std::string(part) + "'");
  if (part.size() > kMaxNamePartSize) {
    refuse(name, "a part is longer than " + std::to_string(kMaxNamePartSize) + " bytes");
  }
}

void checkParts(std::string_view name) {
  std::size_t count = 0;
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    checkPart(name, part);
    if (begin == 0 && isReserved(part)) {
      refuse(name, "'" + std::string(kReservedFolder) + "' is the daemon's own folder");
    }
    if (++count > kMaxNameParts) refuse(name, "it has more than " + std::to_string(kMaxNameParts) + " parts");
    if (end == name.size()) return;
    begin = end + 1;
  }
}

}  // namespace

FileName FileName::parse(std::string_view text) {
  if (text.empty()) refuse(text, "it is empty");
  if (text.size() > kMaxNameSize) refuse(text, "it is longer than " + std::to_string(kMaxNameSize) + " bytes");
  if (text.front() == '/') refuseSlash(text);
  if (text.back() == '/') refuse(text, "it ends with '/'");
  checkCharacters(text);
  checkParts(text);
  return FileName(std::string(text));
}

FileName FileName::parseFolder(std::string_view text) { return text.empty() ? root() : parse(text); }

std::vector<std::string_view> FileName::parts() const {
  std::vector<std::string_view> parts;
  const std::string_view text = text_;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string_view FileName::leaf() const {
  const std::string_view text = text_;
  const std::size_t slash = text.rfind('/');
  return slash == std::string_view::npos ? text : text.substr(slash + 1);
}

FileName FileName::parent() const {
  const std::size_t slash = text_.rfind('/');
  return slash == std::string::npos ? root() : FileName(text_.substr(0, slash));
}

FileName FileName::child(std::string_view leaf) const {
  if (isRoot()) return parse(leaf);
  std::string text;
  text.reserve(text_.size() + 1 + leaf.size());
  return parse(text.append(text_).append(1, '/').append(leaf));
}

bool FileName::canHold(std::string_view leaf) const {
  try {
    static_cast<void>(child(leaf));
    return true;
  } catch (const Failure&) {
    return false;
  }
}

bool isBelow(std::string_view name, std::string_view folder) {
  if (folder.empty()) return !name.empty();
  return name.size() > folder.size() && name.starts_with(folder) && name[folder.size()] == '/';
}

std::string_view withoutOuterSlashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

}  // namespace ft
