#include "common/ini_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "common/unique_fd.h"
#include "common/whole_file.h"

namespace ft {
namespace {

constexpr std::size_t kMaxFileSize = 1 << 20;

bool isIniName(std::string_view name) {
  static constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

// [name], [kind name] or [kind *].
bool isSectionName(std::string_view name) {
  const std::size_t blank = name.find(' ');
  if (blank == std::string_view::npos) return isIniName(name);
  const std::string_view second = name.substr(blank + 1);
  return isIniName(name.substr(0, blank)) && (second == "*" || isIniName(second));
}

// Reads one line after the other, with the section that they stand in.
class IniReader {
 public:
  IniReader(const std::string& source, IniSections sections) : source_(source), sections_(sections) {}

  void readLine(std::string_view text) {
    ++line_;
    if (!isUtf8(text) || text.find('\0') != std::string_view::npos) fail("the line is not UTF-8 text");
    const std::string_view line = trimmed(text);
    if (line.empty() || line.front() == '#' || line.front() == ';') return;
    if (line.front() == '[') {
      readSection(line);
    } else {
      readEntry(line);
    }
  }

  std::vector<IniEntry> take() { return std::move(entries_); }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw ConfigError(source_ + ":" + std::to_string(line_) + ": " + reason);
  }

  void readSection(std::string_view line) {
    if (line.back() != ']') fail("a section is written [name]");
    const std::string_view name = trimmed(line.substr(1, line.size() - 2));
    if (!isSectionName(name)) fail("'" + escapeText(name, 80) + "' is no name of a section (a-z 0-9 _ - .)");
    section_ = name;
    if (sections_ == IniSections::Keep) entries_.push_back({section_, "", "", line_});
  }

  void readEntry(std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) fail("expected 'key = value', '[section]' or a comment");
    const std::string_view key = trimmed(line.substr(0, equals));
    if (!isIniName(key)) fail("'" + escapeText(key, 80) + "' is no name of a key (a-z 0-9 _ - .)");
    entries_.push_back({section_, std::string(key), std::string(unquote(trimmed(line.substr(equals + 1)))), line_});
  }

  std::string_view unquote(std::string_view value) const {
    if (value.empty() || value.front() != '"') return value;
    if (value.size() < 2 || value.back() != '"')
      fail("the value begins with a quotation mark and does not end with one");
    return value.substr(1, value.size() - 2);
  }

  const std::string& source_;
  const IniSections sections_;
  std::string section_;
  std::vector<IniEntry> entries_;
  int line_ = 0;
};

[[noreturn]] void throwUnreadable(const std::string& path, int error) {
  throw ConfigError(escapeText(path) + ": cannot be read: " + errorText(error));
}

std::string readSmallFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) throwUnreadable(path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throwUnreadable(path, errno);
  if (S_ISDIR(status.st_mode)) throwUnreadable(path, EISDIR);
  std::string text;
  if (const int error = readAtMost(fd.get(), kMaxFileSize + 1, text)) throwUnreadable(path, error);
  if (text.size() > kMaxFileSize) throw ConfigError(escapeText(path) + ": is larger than 1 MiB");
  return text;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::vector<IniEntry> parseIni(std::string_view text, const std::string& source, IniSections sections) {
  static constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // some editors begin a file with it
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  IniReader reader(source, sections);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    reader.readLine(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return reader.take();
}

std::vector<IniEntry> readIniFile(const std::string& path, IniSections sections) {
  return parseIni(readSmallFile(path), escapeText(path), sections);
}

}  // namespace ft
