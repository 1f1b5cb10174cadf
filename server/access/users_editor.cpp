#include "server/access/users_editor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "common/ini_file.h"
#include "common/unique_fd.h"
#include "common/whole_file.h"

namespace ft {
namespace {

constexpr std::string_view kIntroduction =
    "# Who may log in to ftpd. Changed by `ftpd user`, and by hand; read again on SIGHUP and when it has changed.\n";

bool isSection(const std::string& line) { return trimmed(line).starts_with('['); }

// The key and value of a line; both empty when it is something else.
std::pair<std::string, std::string> entryOf(const std::string& line) {
  const std::string_view text = trimmed(line);
  const std::size_t equals = text.find('=');
  if (text.starts_with('#') || text.starts_with(';') || equals == std::string_view::npos) return {};
  return {std::string(trimmed(text.substr(0, equals))), std::string(trimmed(text.substr(equals + 1)))};
}

// A value with a line feed would be lines of its own.
std::string lineOf(const std::string& key, const std::string& value) {
  const bool control =
      std::any_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
  if (control) throw ConfigError("'" + escapeText(value, 80) + "' has control characters");
  return key + " = " + value;
}

[[noreturn]] void fail(const std::string& path, const char* what, int error) {
  throw ConfigError(escapeText(path) + ": " + what + ": " + errorText(error));
}

std::string folderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Root may edit the file of the daemon's own user; a new file goes to whom the folder belongs.
std::optional<NewFile::Owner> otherOwner(const std::string& path, int folder) {
  struct stat owner {};
  if (::stat(path.c_str(), &owner) != 0 && ::fstat(folder, &owner) != 0) return std::nullopt;
  if (owner.st_uid == ::geteuid()) return std::nullopt;
  return NewFile::Owner{owner.st_uid, owner.st_gid};
}

}  // namespace

UsersText::UsersText(std::string_view text) {
  if (text.empty()) text = kIntroduction;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines_.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

std::string UsersText::text() const {
  std::string all;
  for (const std::string& line : lines_) all += line + "\n";
  return all;
}

UsersText::Range UsersText::rangeOf(const std::string& user) const {
  const std::string wanted = "user " + user;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const std::string_view line = trimmed(lines_[i]);
    if (!line.starts_with('[') || trimmed(line.substr(1, line.size() - 2)) != wanted) continue;
    const auto next = std::find_if(lines_.begin() + static_cast<std::ptrdiff_t>(i) + 1, lines_.end(), isSection);
    auto end = static_cast<std::size_t>(next - lines_.begin());
    // Comments that stand above the next section belong to it.
    while (end > i + 1 && entryOf(lines_[end - 1]).first.empty()) --end;
    return {i + 1, end};
  }
  throw ConfigError("there is no user '" + user + "'");
}

void UsersText::addUser(const std::string& name) {
  if (!lines_.empty() && !trimmed(lines_.back()).empty()) lines_.emplace_back();
  lines_.push_back("[user " + name + "]");
}

void UsersText::removeUser(const std::string& name) {
  const Range range = rangeOf(name);
  const auto first = lines_.begin();
  lines_.erase(first + static_cast<std::ptrdiff_t>(range.begin) - 1, first + static_cast<std::ptrdiff_t>(range.end));
}

void UsersText::set(const std::string& user, const std::string& key, const std::string& value) {
  const Range range = rangeOf(user);
  for (std::size_t i = range.begin; i < range.end; ++i) {
    if (entryOf(lines_[i]).first != key) continue;
    if (value.empty()) {
      lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      lines_[i] = lineOf(key, value);
    }
    return;
  }
  if (!value.empty()) lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(range.begin), lineOf(key, value));
}

void UsersText::append(const std::string& user, const std::string& key, const std::string& value) {
  lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(rangeOf(user).end), lineOf(key, value));
}

std::size_t UsersText::removeIf(const std::string& user,
                                const std::function<bool(const std::string&, const std::string&)>& unwanted) {
  const Range range = rangeOf(user);
  std::size_t removed = 0;
  for (std::size_t i = range.end; i-- > range.begin;) {
    const auto [key, value] = entryOf(lines_[i]);
    if (key.empty() || !unwanted(key, value)) continue;
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(i));
    ++removed;
  }
  return removed;
}

void editUsersFile(const std::string& path, const std::function<void(UsersText&)>& change) {
  const UniqueFd folder(::open(folderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) fail(folderOf(path), "cannot be opened", errno);
  while (::flock(folder.get(), LOCK_EX) != 0) {
    if (errno != EINTR) fail(folderOf(path), "cannot be locked", errno);
  }
  // A link is followed to the file that it means, so that the link stays.
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), &::free);
  const std::string target = real ? real.get() : path;
  UsersText text(readUsersText(target));
  text.table(escapeText(target));  // what is broken already must not be made worse
  change(text);
  try {
    text.table(escapeText(target));
  } catch (const ConfigError& fault) {
    throw ConfigError(std::string("nothing was changed, for the file would not be right: ") + fault.what());
  }
  const NewFile how{.mode = 0600, .owner = otherOwner(target, folder.get())};
  if (const int error = replaceFile(target, text.text(), how); error != 0) fail(target, "cannot be written", error);
}

}  // namespace ft
