#include "server/access/users_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <set>
#include <span>

#include "common/base64.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/file_name.h"
#include "common/ini_file.h"
#include "common/nearest_word.h"
#include "common/unique_fd.h"
#include "common/whole_file.h"
#include "server/access/password.h"
#include "server/config/access_rules.h"

namespace ft {
namespace {

constexpr std::size_t kMostBytes = 16 << 20;
constexpr std::size_t kMostNameBytes = 32;
constexpr std::size_t kHashDigits = 64;
constexpr std::string_view kSectionStart = "user ";
constexpr std::string_view kTokenStart = "token.";
constexpr std::string_view kFingerprintStart = "SHA256:";

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    const std::string_view part = trimmed(text.substr(begin, end - begin));
    if (!part.empty()) parts.emplace_back(part);
    begin = end + 1;
  }
  return parts;
}

bool isFingerprint(std::string_view text) {
  if (!text.starts_with(kFingerprintStart)) return false;
  const auto bytes = fromBase64(text.substr(kFingerprintStart.size()));
  return bytes && bytes->size() == 32;
}

// Fills records from the entries of a users file, one after the other.
class TableReader {
 public:
  explicit TableReader(const std::string& source) : source_(source) {}

  // A section begins. Before its entries, because a user may have none.
  void open(const std::string& section, int line) {
    const std::string name = section.starts_with(kSectionStart) ? section.substr(kSectionStart.size()) : "";
    const IniEntry place{section, "", "", line};
    if (!isUserName(name)) {
      fail(place, "[" + escapeText(section, 64) + "] is not [user NAME], with 1 to 32 of a-z 0-9 _ - in the name");
    }
    if (name == "anonymous") fail(place, "'anonymous' is who has not logged in, and cannot have an account");
    const auto before = findUser(name);
    if (before != users_.end()) {
      fail(place, "user '" + name + "' was there before, at line " + std::to_string(before->line));
    }
    byName_.emplace(name, users_.size());
    users_.emplace_back();
    users_.back().name = name;
    users_.back().line = line;
  }

  void read(const IniEntry& entry) {
    if (entry.section.empty()) fail(entry, "'" + entry.key + "' belongs in a section [user NAME]");
    UserRecord& user = *findUser(entry.section.substr(kSectionStart.size()));
    if (entry.key == "password") {
      if (const std::string fault = passwordHashFault(entry.value); !fault.empty()) fail(entry, "'password' " + fault);
      once(entry);
      user.password = entry.value;
    } else if (entry.key == "disabled") {
      if (entry.value != "yes" && entry.value != "no") fail(entry, "'disabled' must be yes or no");
      once(entry);
      user.disabled = entry.value == "yes";
    } else if (entry.key == "key") {
      readKey(entry, user);
    } else if (entry.key == "certificate") {
      readCertificate(entry, user);
    } else if (entry.key == "uid") {
      readUid(entry, user);
    } else if (entry.key.starts_with(kTokenStart)) {
      readToken(entry, user);
    } else {
      unknown(entry);
    }
  }

  std::vector<UserRecord> take() { return std::move(users_); }

 private:
  [[noreturn]] void fail(const IniEntry& entry, const std::string& reason) const {
    throw ConfigError(source_ + ":" + std::to_string(entry.line) + ": " + reason);
  }

  [[noreturn]] void unknown(const IniEntry& entry) const {
    fail(entry, "unknown key '" + escapeText(entry.key, 64) + "'" +
                    didYouMean(entry.key, {"password", "disabled", "key", "certificate", "uid", "token.NAME"}));
  }

  std::vector<UserRecord>::iterator findUser(std::string_view name) {
    const auto found = byName_.find(name);
    return found == byName_.end() ? users_.end() : users_.begin() + static_cast<std::ptrdiff_t>(found->second);
  }

  void once(const IniEntry& entry) {
    if (!seen_.insert(entry.section + "\n" + entry.key).second)
      fail(entry, "'" + entry.key + "' is there twice for this user");
  }

  void readKey(const IniEntry& entry, UserRecord& user) {
    const auto key = readPublicKey(entry.value);
    if (!key) fail(entry, "'key' must be an Ed25519 key as OpenSSH writes it: ssh-ed25519 AAAA… comment");
    const std::size_t blank = entry.value.find(' ', entry.value.find(' ') + 1);
    user.keys.push_back({*key, blank == std::string::npos ? "" : std::string(trimmed(entry.value.substr(blank)))});
  }

  void readCertificate(const IniEntry& entry, UserRecord& user) {
    if (entry.value.empty() || (entry.value.starts_with(kFingerprintStart) && !isFingerprint(entry.value))) {
      fail(entry, "'certificate' must be SHA256:… (43 digits of base64) or the name in a certificate");
    }
    if (!certificates_.insert(entry.value).second) fail(entry, "another user has this certificate");
    user.certificates.push_back(entry.value);
  }

  void readUid(const IniEntry& entry, UserRecord& user) {
    uid_t uid = 0;
    const char* const end = entry.value.data() + entry.value.size();
    const auto [rest, error] = std::from_chars(entry.value.data(), end, uid);
    if (error != std::errc() || rest != end) fail(entry, "'uid' must be the number of a system user");
    if (!uids_.insert(uid).second) fail(entry, "another user has this uid");
    user.uids.push_back(uid);
  }

  // token.NAME, token.NAME.until, token.NAME.verbs, token.NAME.prefixes
  void readToken(const IniEntry& entry, UserRecord& user) {
    const std::string rest = entry.key.substr(kTokenStart.size());
    const std::size_t dot = rest.find('.');
    const std::string name = rest.substr(0, dot);
    if (!isUserName(name)) fail(entry, "the name of a token is 1 to 32 of a-z 0-9 _ -");
    once(entry);
    if (dot == std::string::npos) {
      const std::string hash = entry.value.substr(std::min<std::size_t>(7, entry.value.size()));
      if (!entry.value.starts_with("sha256:") || hash.size() != kHashDigits ||
          hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
        fail(entry, "'" + entry.key + "' must be what `ftpd user token` has made: sha256: and 64 hex digits");
      }
      if (!hashes_.insert(hash).second) fail(entry, "this token is there twice");
      user.tokens.push_back({name, hash, std::nullopt, nullptr});
      return;
    }
    if (user.tokens.empty() || user.tokens.back().name != name) {
      fail(entry, "'" + entry.key + "' must follow 'token." + name + "'");
    }
    limitToken(entry, rest.substr(dot + 1), user.tokens.back());
  }

  void limitToken(const IniEntry& entry, const std::string& limit, TokenRecord& token) {
    if (limit == "until") {
      token.until = parseMoment(entry.value);
      if (!token.until) fail(entry, "'" + entry.key + "' must be a moment like 2027-01-31 or 2027-01-31T12:00:00Z");
      return;
    }
    TokenScope scope = token.scope ? *token.scope : TokenScope{};
    if (limit == "verbs") {
      scope.verbs = split(entry.value, ' ');
      for (const std::string& verb : scope.verbs) {
        if (!verbsFromWord(verb)) fail(entry, "'" + escapeText(verb, 64) + "' is not a verb");
      }
    } else if (limit == "prefixes") {
      scope.prefixes = split(entry.value, ';');
      for (std::string& prefix : scope.prefixes) prefix = checkedPrefix(entry, prefix);
    } else {
      unknown(entry);
    }
    // An empty limit would be none at all.
    if (scope.verbs.empty() && scope.prefixes.empty()) fail(entry, "'" + entry.key + "' says nothing");
    token.scope = std::make_shared<const TokenScope>(std::move(scope));
  }

  std::string checkedPrefix(const IniEntry& entry, const std::string& prefix) const {
    try {
      return FileName::parse(withoutOuterSlashes(prefix)).text();
    } catch (const Failure& failure) {
      fail(entry, "'" + escapeText(prefix, 80) + "': " + failure.what());
    }
  }

  const std::string& source_;
  std::vector<UserRecord> users_;
  std::map<std::string, std::size_t, std::less<>> byName_;
  std::set<std::string> seen_;  // sections and keys
  std::set<std::string> certificates_;
  std::set<std::string> hashes_;
  std::set<uid_t> uids_;
};

[[noreturn]] void refuseFile(const std::string& path, const std::string& reason) {
  throw ConfigError(escapeText(path) + ": " + reason);
}

[[noreturn]] void refuseFile(const std::string& path, int error) {
  refuseFile(path, "cannot be read: " + errorText(error));
}

// No file that could be of this daemon: there is none, or it would be in a folder that the daemon's own user cannot
// enter.
bool isOutOfReach(const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) return true;
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  return error == EACCES && !folder.empty() && ::faccessat(AT_FDCWD, folder.c_str(), X_OK, AT_EACCESS) != 0;
}

// Root looks after the users of a daemon that has a user of its own, and a folder.
bool isForRoot(const std::string& path, uid_t owner) {
  struct stat folder {};
  const std::size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  return ::geteuid() == 0 && ::stat(name.c_str(), &folder) == 0 && folder.st_uid == owner;
}

std::string readAll(int fd, const std::string& path) {
  std::string text;
  if (const int error = readAtMost(fd, kMostBytes + 1, text)) refuseFile(path, error);
  if (text.size() > kMostBytes) refuseFile(path, "is larger than 16 MiB");
  return text;
}

}  // namespace

UserTable UserTable::parse(std::string_view text, const std::string& source) {
  TableReader reader(source);
  const std::vector<IniEntry> entries = parseIni(text, source);
  int line = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    ++line;
    const std::string_view whole = trimmed(text.substr(begin, end - begin));
    if (whole.starts_with('[')) reader.open(std::string(trimmed(whole.substr(1, whole.size() - 2))), line);
    begin = end + 1;
  }
  for (const IniEntry& entry : entries) reader.read(entry);
  UserTable table;
  table.users_ = reader.take();
  std::sort(table.users_.begin(), table.users_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return table;
}

const UserRecord* UserTable::find(std::string_view name) const {
  const auto found = std::lower_bound(users_.begin(), users_.end(), name,
                                      [](const UserRecord& user, std::string_view text) { return user.name < text; });
  return found != users_.end() && found->name == name ? &*found : nullptr;
}

const UserRecord* UserTable::findUid(uid_t uid) const {
  for (const UserRecord& user : users_) {
    if (std::find(user.uids.begin(), user.uids.end(), uid) != user.uids.end()) return &user;
  }
  return nullptr;
}

const UserRecord* UserTable::findCertificate(const std::string& fingerprint, const std::string& name) const {
  const auto findEntry = [&](const std::string& wanted) -> const UserRecord* {
    for (const UserRecord& user : users_) {
      const auto& known = user.certificates;
      if (std::find(known.begin(), known.end(), wanted) != known.end()) return &user;
    }
    return nullptr;
  };
  const UserRecord* const byKey = fingerprint.empty() ? nullptr : findEntry(fingerprint);
  // A name that looks like a fingerprint must not pass for one.
  if (byKey != nullptr || name.empty() || name.starts_with(kFingerprintStart)) return byKey;
  return findEntry(name);
}

std::pair<const UserRecord*, const TokenRecord*> UserTable::findToken(const std::string& hash) const {
  for (const UserRecord& user : users_) {
    for (const TokenRecord& token : user.tokens) {
      if (token.hash == hash) return {&user, &token};
    }
  }
  return {nullptr, nullptr};
}

bool isUserName(std::string_view name) {
  static constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.size() <= kMostNameBytes && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::string tokenHash(std::string_view token) {
  return digestOf(DigestAlgorithm::Sha256, std::as_bytes(std::span(token))).hex;
}

std::string readUsersText(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd && isOutOfReach(path, errno)) return "";
  if (!fd) refuseFile(path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) refuseFile(path, errno);
  if (!S_ISREG(status.st_mode)) refuseFile(path, "is no file");
  if ((status.st_mode & 077) != 0) {
    refuseFile(path, "others than its owner may use it, and it holds secrets: chmod 600 " + escapeText(path));
  }
  if (status.st_uid != ::geteuid() && status.st_uid != 0 && !isForRoot(path, status.st_uid)) {
    refuseFile(path, "belongs to user " + std::to_string(status.st_uid) + ", not to the user who runs ftpd");
  }
  return readAll(fd.get(), path);
}

}  // namespace ft
