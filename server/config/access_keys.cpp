#include "server/config/access_keys.h"

#include <algorithm>
#include <array>

#include "common/error.h"
#include "common/escape.h"
#include "common/file_name.h"
#include "common/nearest_word.h"
#include "common/units.h"
#include "server/config/system_accounts.h"
#include "server/config/values.h"

namespace ft {
namespace {

constexpr std::size_t kMaxUserName = 32;

// What a fault says the value should have been; "" when it was fine. One that begins with kWhy says what is wrong
// instead.
using Expected = std::string;
constexpr char kWhy = '!';

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (const std::string_view part = trimmed(text.substr(0, end)); !part.empty()) parts.push_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Expected readNumber(std::string_view text, std::uint64_t& into) { return readCount(text, {.least = 1}, into); }

Expected readAge(std::string_view text, std::chrono::milliseconds& into) {
  return readTime(text, std::chrono::seconds(1), into);
}

template <std::uint32_t Required>
Expected readBits(std::string_view text, std::uint32_t& into) {
  return readMode(text, Required, into);
}

Expected readUmask(std::string_view text, std::uint32_t& into) {
  const auto umask = parseNumber(text, 8);
  if (!umask || *umask > 0077) return "octal permission bits up to 077, as the owner keeps all of its own";
  into = static_cast<std::uint32_t>(*umask);
  return {};
}

Expected readRootPath(std::string_view text, std::string& into) {
  if (!text.starts_with('/')) return "an absolute path";
  into = text;
  while (into.size() > 1 && into.back() == '/') into.pop_back();
  return {};
}

Expected readPatterns(std::string_view text, std::vector<std::string>& into) {
  for (const std::string_view pattern : split(text, " \t")) {
    if (pattern.find('/') != std::string_view::npos) return "patterns such as *.tmp, for one part of a name each";
    into.emplace_back(pattern);
  }
  return {};
}

Expected readOwner(std::string_view text, SystemId& into) {
  into.name = text;
  into.number = findSystemUser(into.name);
  return into.name.empty() ? "a user of this system, by name or number" : "";
}

Expected readGroup(std::string_view text, SystemId& into) {
  into.name = text;
  into.number = findSystemGroup(into.name);
  return into.name.empty() ? "a group of this system, by name or number" : "";
}

// A folder of the whole tree: "/" for all of it, {user} for the user's name. Throws Failure that says what is wrong
// with it.
std::string readFolder(std::string_view given) {
  const std::string_view text = withoutOuterSlashes(given);
  std::string probe(text);
  for (std::size_t at = probe.find('{'); at != std::string::npos; at = probe.find('{', at)) {
    if (probe.compare(at, kUserMark.size(), kUserMark) != 0) {
      throw Failure(ErrorCode::NameInvalid, "in '" + escapeText(text, 80) + "' only {user} may stand in braces");
    }
    probe.replace(at, kUserMark.size(), "u");
  }
  static_cast<void>(FileName::parseFolder(probe));
  return std::string(text);
}

Expected readHome(std::string_view text, std::string& into) {
  try {
    into = readFolder(text);
  } catch (const Failure& failure) {
    return kWhy + std::string(failure.what());
  }
  return into.empty() ? "a folder below the top, such as homes/{user}" : "";
}

VerbSet readVerbs(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kWords{"list",  "get",  "put",  "overwrite", "delete", "rename",
                                                           "mkdir", "exec", "read", "write",     "all",    "none"};
  VerbSet verbs;
  const auto words = split(text, " \t,");
  if (words.empty()) throw Failure(ErrorCode::BadRequest, "after the ':' the verbs are missing ('none' for none)");
  for (const std::string_view word : words) {
    const auto set = verbsFromWord(word);
    if (!set) {
      const std::string hint = didYouMean(word, {kWords.begin(), kWords.end()});
      throw Failure(
          ErrorCode::BadRequest,
          "'" + escapeText(word, 40) + "' is not a verb" +
              (hint.empty() ? " (list get put overwrite delete rename mkdir exec, or read write all none)" : hint));
    }
    verbs.add(*set);
  }
  return verbs;
}

PathRule readRule(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view prefix = colon == std::string_view::npos ? "" : trimmed(text.substr(0, colon));
  if (prefix.empty()) {
    throw Failure(ErrorCode::BadRequest,
                  "'" + escapeText(text, 80) + "' has no 'PREFIX:' before its verbs ('/' is all)");
  }
  return {readFolder(prefix), readVerbs(text.substr(colon + 1)), std::string(text)};
}

Expected readAllow(std::string_view text, std::vector<PathRule>& into) {
  try {
    for (const std::string_view part : split(text, ";")) {
      PathRule rule = readRule(part);
      const auto same = [&](const PathRule& other) { return other.prefix == rule.prefix; };
      if (std::any_of(into.begin(), into.end(), same)) {
        throw Failure(ErrorCode::BadRequest, "'" + escapeText(rule.prefix, 80) + "' stands there twice");
      }
      into.push_back(std::move(rule));
    }
  } catch (const Failure& failure) {
    return kWhy + std::string(failure.what());
  }
  return {};
}

template <typename Target>
struct Key {
  std::string_view name;
  Expected (*apply)(std::string_view value, const std::string& origin, Target& target);
};

template <auto Member, auto Read, typename Target>
Expected place(std::string_view value, const std::string& origin, Target& target) {
  (target.*Member).origin = origin;
  return Read(value, (target.*Member).value);
}

using R = RootRules;
using U = UserRules;

constexpr std::array kRootKeys{
    Key<R>{"path", place<&R::path, readRootPath, R>},
    Key<R>{"read_only", place<&R::readOnly, readYesNo, R>},
    Key<R>{"write_only", place<&R::writeOnly, readYesNo, R>},
    Key<R>{"list", place<&R::list, readYesNo, R>},
    Key<R>{"hide", place<&R::hide, readPatterns, R>},
    Key<R>{"max_file_size", place<&R::maxFileSize, readBytes, R>},
    Key<R>{"max_age", place<&R::maxAge, readAge, R>},
    Key<R>{"file_mode", place<&R::fileMode, readBits<0600>, R>},
    Key<R>{"dir_mode", place<&R::folderMode, readBits<0700>, R>},
    Key<R>{"umask", place<&R::umask, readUmask, R>},
    Key<R>{"owner", place<&R::owner, readOwner, R>},
    Key<R>{"group", place<&R::group, readGroup, R>},
};

constexpr std::array kUserKeys{
    Key<U>{"allow", place<&U::allow, readAllow, U>},
    Key<U>{"home", place<&U::home, readHome, U>},
    Key<U>{"quota_bytes", place<&U::quotaBytes, readBytes, U>},
    Key<U>{"quota_files", place<&U::quotaFiles, readNumber, U>},
    Key<U>{"rate", place<&U::rate, readBytes, U>},
    Key<U>{"connections", place<&U::connections, readNumber, U>},
    Key<U>{"transfers", place<&U::transfers, readNumber, U>},
};

template <typename Keys, typename Target>
std::string applyKey(const Keys& keys, Target& target, const IniEntry& entry, const std::string& origin) {
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const auto& row) { return row.name == entry.key; });
  if (key == keys.end()) {
    return "unknown key '" + entry.key + "' in [" + entry.section + "]" +
           didYouMean(entry.key, accessKeys(entry.section));
  }
  const Expected expected = key->apply(entry.value, origin, target);
  if (expected.empty()) return {};
  if (expected.front() == kWhy) return "'" + entry.key + "': " + expected.substr(1);
  return "'" + entry.key + "' must be " + expected + ", not '" + escapeText(entry.value, 120) + "'";
}

}  // namespace

std::string rootNameFault(const std::string& name) {
  try {
    static_cast<void>(FileName::parse(name));
  } catch (const Failure& failure) {
    return "[root " + escapeText(name, 80) + "] is no name for a folder: " + failure.what();
  }
  return {};
}

std::string userNameFault(const std::string& name) {
  static constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  if (name == "*") return {};
  if (name.size() <= kMaxUserName && name.find_first_not_of(kAllowed) == std::string::npos) return {};
  return "[user " + escapeText(name, 80) + "] is no name of a user (1 to 32 of a-z 0-9 _ -)";
}

std::string applyRootKey(RootRules& root, const IniEntry& entry, const std::string& origin) {
  return applyKey(kRootKeys, root, entry, origin);
}

std::string applyUserKey(UserRules& user, const IniEntry& entry, const std::string& origin) {
  return applyKey(kUserKeys, user, entry, origin);
}

std::vector<std::string_view> accessKeys(std::string_view section) {
  std::vector<std::string_view> names;
  if (section.starts_with("root ")) {
    for (const auto& key : kRootKeys) names.push_back(key.name);
  } else {
    for (const auto& key : kUserKeys) names.push_back(key.name);
  }
  return names;
}

}  // namespace ft
