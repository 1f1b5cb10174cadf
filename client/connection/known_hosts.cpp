#include "client/connection/known_hosts.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "client/failures.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/lower_case.h"
#include "common/private_folder.h"
#include "common/tls_fingerprint.h"
#include "common/unique_fd.h"
#include "common/whole_file.h"

namespace ft {
namespace {

[[noreturn]] void cannot(const char* what, const std::string& path, int error) {
  throw ConfigError(std::string(what) + " " + escapeText(path) + ": " + errorText(error));
}

std::string readAll(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return {};
  if (std::error_code ignored; std::filesystem::is_fifo(path, ignored)) {
    throw ConfigError(escapeText(path) + ": is a pipe, not a file");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  if (file.bad() || !file.is_open()) cannot("cannot read", path, errno);
  return text;
}

struct Line {
  std::string_view server;
  std::string fingerprint;
};

// nullopt for a blank line or a comment.
std::optional<Line> parseLine(std::string_view text, const std::string& place) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos || text[begin] == '#') return std::nullopt;
  text = text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
  const std::size_t blank = text.find_first_of(" \t");
  const auto fingerprint = blank == std::string_view::npos
                               ? std::nullopt
                               : parseFingerprint(text.substr(text.find_first_not_of(" \t", blank)));
  if (!fingerprint) throw ConfigError(place + ": not of the form HOST:PORT SHA256:FINGERPRINT");
  return Line{text.substr(0, blank), *fingerprint};
}

std::optional<KnownHosts::Entry> findIn(std::string_view text, std::string_view server, const std::string& path) {
  const std::string wanted = lowerCase(server);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto line = parseLine(text.substr(0, end), escapeText(path) + ":" + std::to_string(number));
    if (line && lowerCase(line->server) == wanted) return KnownHosts::Entry{line->fingerprint, number};
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

// Held until the descriptor is closed.
UniqueFd lockFor(const std::string& path) {
  const std::string name = path + ".lock";
  UniqueFd lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) cannot("cannot write", name, errno);
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) cannot("cannot lock", name, errno);
  }
  return lock;
}

void makeFolder(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (const std::error_code failed = makePrivateFolder(folder)) {
    cannot("cannot make the folder", folder, failed.value());
  }
}

}  // namespace

std::optional<KnownHosts::Entry> KnownHosts::find(std::string_view server) const {
  return findIn(readAll(path_), server, path_);
}

void KnownHosts::add(std::string_view server, std::string_view fingerprint) const {
  makeFolder(path_);
  const UniqueFd lock = lockFor(path_);
  std::string text = readAll(path_);
  if (const auto there = findIn(text, server, path_)) {
    if (there->fingerprint == fingerprint) return;
    throw IdentityError("another key was trusted for " + escapeText(server) + " in the meantime, see " +
                        escapeText(path_) + ":" + std::to_string(there->line));
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  text.append(lowerCase(server)).append(" ").append(fingerprint).append("\n");
  if (const int error = replaceFile(path_, text, {.mode = 0600}); error != 0) cannot("cannot write", path_, error);
}

}  // namespace ft
