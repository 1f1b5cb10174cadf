#include "server/config/access_rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/config/access_keys.h"

namespace ft {
namespace {

constexpr std::array<std::pair<std::string_view, Verb>, 8> kVerbs{{{"list", Verb::List},
                                                                   {"get", Verb::Get},
                                                                   {"put", Verb::Put},
                                                                   {"overwrite", Verb::Overwrite},
                                                                   {"delete", Verb::Delete},
                                                                   {"rename", Verb::Rename},
                                                                   {"mkdir", Verb::Mkdir},
                                                                   {"exec", Verb::Exec}}};
constexpr std::string_view kRootKind = "root ";
constexpr std::string_view kUserKind = "user ";

bool isInside(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder.ends_with('/') ? folder : folder + "/");
}

std::vector<std::string_view> partsOf(std::string_view folder) {
  std::vector<std::string_view> parts;
  while (!folder.empty()) {
    const std::size_t end = std::min(folder.find('/'), folder.size());
    parts.push_back(folder.substr(0, end));
    folder.remove_prefix(std::min(end + 1, folder.size()));
  }
  return parts;
}

// Can the part of a name be what the pattern says? Then `user` is whom {user} in it means, where it has any.
bool matches(std::string_view part, std::string_view pattern, std::string_view& user) {
  const std::size_t mark = pattern.find(kUserMark);
  if (mark == std::string_view::npos) return part == pattern;
  const std::string_view before = pattern.substr(0, mark), after = pattern.substr(mark + kUserMark.size());
  if (part.size() <= before.size() + after.size() || !part.starts_with(before) || !part.ends_with(after)) return false;
  user = part.substr(before.size(), part.size() - before.size() - after.size());
  return true;
}

// Reads the entries in order, then checks what only all of them together can tell.
class RulesReader {
 public:
  explicit RulesReader(std::vector<AccessFault>& faults) : faults_(faults) {}

  void read(std::size_t at, const IniEntry& entry, const std::string& origin) {
    const bool isRoot = entry.section.starts_with(kRootKind);
    const std::string name = entry.section.substr((isRoot ? kRootKind : kUserKind).size());
    const std::string fault = isRoot ? applyRootKey(rootOf(at, name, origin), entry, origin)
                                     : applyUserKey(userOf(at, name, origin), entry, origin);
    note(at, fault);
  }

  AccessRules finish() {
    for (std::size_t i = 0; i < rules_.roots.size(); ++i) checkRoot(i);
    for (std::size_t i = 0; i < rules_.users.size(); ++i) checkUser(i);
    checkHomes();
    return std::move(rules_);
  }

 private:
  void note(std::size_t at, std::string reason) {
    if (!reason.empty()) faults_.push_back({at, std::move(reason)});
  }

  RootRules& rootOf(std::size_t at, const std::string& name, const std::string& origin) {
    const auto known = [&](const RootRules& root) { return root.name == name; };
    const auto found = std::find_if(rules_.roots.begin(), rules_.roots.end(), known);
    if (found != rules_.roots.end()) return *found;
    note(at, rootNameFault(name));
    RootRules root;
    root.name = name;
    root.origin = origin;
    firstOfRoot_.push_back(at);
    return rules_.roots.emplace_back(std::move(root));
  }

  UserRules& userOf(std::size_t at, const std::string& name, const std::string& origin) {
    const auto known = [&](const UserRules& user) { return user.name == name; };
    const auto found = std::find_if(rules_.users.begin(), rules_.users.end(), known);
    if (found != rules_.users.end()) return *found;
    note(at, userNameFault(name));
    UserRules user;
    user.name = name;
    user.origin = origin;
    firstOfUser_.push_back(at);
    return rules_.users.emplace_back(std::move(user));
  }

  void checkRoot(std::size_t index) {
    RootRules& root = rules_.roots[index];
    const std::size_t at = firstOfRoot_[index];
    const std::string section = "[root " + root.name + "]";
    if (!root.path.given()) note(at, section + " has no 'path'");
    if (root.readOnly.value && root.writeOnly.value) note(at, section + " is both read_only and write_only");
    if (root.writeOnly.value && !root.list.given()) root.list = {false, root.writeOnly.origin};
    for (std::size_t other = 0; other < index && root.path.given(); ++other) {
      const std::string& before = rules_.roots[other].path.value;
      if (before.empty() || !(isInside(root.path.value, before) || isInside(before, root.path.value))) continue;
      note(at, section + " and [root " + rules_.roots[other].name + "] share a folder: one path is inside the other");
    }
  }

  void checkUser(std::size_t index) {
    const UserRules& user = rules_.users[index];
    const std::size_t at = firstOfUser_[index];
    const std::string section = "[user " + user.name + "]";
    for (const PathRule& rule : user.allow.value) checkInRoots(at, section + " allow", rule.prefix);
    if (user.home.given()) checkInRoots(at, section + " home", user.home.value);
    const UserRules* const all = user.name == "anonymous" ? nullptr : rules_.findUser("*");
    const bool hasHome = user.home.given() || (all != nullptr && all->home.given());
    if ((user.quotaBytes.given() || user.quotaFiles.given()) && !hasHome) {
      note(at, section + " has a quota and no 'home': the home is the folder that is counted");
    }
  }

  static std::string homeOf(const UserRules& user, const UserRules* all) {
    if (user.home.given() || all == nullptr) return user.home.value;
    return withUser(all->home.value, user.name);
  }

  // What lies in a counted home inside of another would count in one of them only.
  void checkHomes() {
    const auto counts = [](const UserRules& user) { return user.quotaBytes.given() || user.quotaFiles.given(); };
    const UserRules* const all = rules_.findUser("*");
    std::vector<std::string> homes;
    for (const UserRules& user : rules_.users) {
      const UserRules* const other = user.name == "anonymous" ? nullptr : all;
      const bool counted = counts(user) || (other != nullptr && counts(*other));
      homes.push_back(counted && user.name != "*" ? homeOf(user, other) : counted ? user.home.value : "");
    }
    for (std::size_t i = 0; i < homes.size(); ++i) {
      for (std::size_t j = 0; j < homes.size(); ++j) {
        if (!liesInside(partsOf(homes[i]), partsOf(homes[j]))) continue;
        note(firstOfUser_[i], "the home '" + homes[i] + "' of [user " + rules_.users[i].name +
                                  "] lies inside the home '" + homes[j] + "' of [user " + rules_.users[j].name +
                                  "], and both have a quota: what is in it could not count in both");
      }
    }
  }

  bool liesInside(const std::vector<std::string_view>& inner, const std::vector<std::string_view>& outer) const {
    if (outer.empty() || inner.size() <= outer.size()) return false;
    for (std::size_t i = 0; i < outer.size(); ++i) {
      std::string_view user;
      if (!matches(inner[i], outer[i], user) && !matches(outer[i], inner[i], user)) return false;
      // Who has a home of their own has none of [user *].
      const UserRules* const own = user.empty() ? nullptr : rules_.findUser(user);
      if (own != nullptr && own->home.given()) return false;
    }
    return true;
  }

  void checkInRoots(std::size_t at, const std::string& what, const std::string& prefix) {
    if (rules_.roots.empty() || prefix.empty()) return;
    const std::string first = prefix.substr(0, prefix.find('/'));
    if (first.find('{') != std::string::npos || rules_.findRoot(first) != nullptr) return;
    note(at, what + " names '" + prefix + "', but there is no [root " + first + "]");
  }

  std::vector<AccessFault>& faults_;
  AccessRules rules_;
  std::vector<std::size_t> firstOfRoot_, firstOfUser_;
};

}  // namespace

std::string withUser(std::string text, std::string_view user) {
  for (std::size_t at = text.find(kUserMark); at != std::string::npos; at = text.find(kUserMark, at + user.size())) {
    text.replace(at, kUserMark.size(), user);
  }
  return text;
}

std::string_view verbName(Verb verb) {
  return std::find_if(kVerbs.begin(), kVerbs.end(), [&](const auto& row) { return row.second == verb; })->first;
}

std::optional<Verb> verbFromName(std::string_view name) {
  const auto found = std::find_if(kVerbs.begin(), kVerbs.end(), [&](const auto& row) { return row.first == name; });
  return found == kVerbs.end() ? std::nullopt : std::optional(found->second);
}

std::optional<VerbSet> verbsFromWord(std::string_view word) {
  constexpr VerbSet kRead{Verb::List, Verb::Get};
  constexpr VerbSet kWrite{Verb::Put, Verb::Overwrite, Verb::Delete, Verb::Rename, Verb::Mkdir};
  if (const auto verb = verbFromName(word)) return VerbSet{*verb};
  if (word == "none") return VerbSet();
  if (word == "read") return kRead;
  if (word == "write") return kWrite;
  if (word != "all") return std::nullopt;
  VerbSet all = kRead;
  all.add(kWrite);
  return all;
}

const RootRules* AccessRules::findRoot(std::string_view name) const {
  const auto found = std::find_if(roots.begin(), roots.end(), [&](const RootRules& root) { return root.name == name; });
  return found == roots.end() ? nullptr : &*found;
}

const UserRules* AccessRules::findUser(std::string_view name) const {
  const auto found = std::find_if(users.begin(), users.end(), [&](const UserRules& user) { return user.name == name; });
  return found == users.end() ? nullptr : &*found;
}

bool isAccessSection(std::string_view section) {
  return section.starts_with(kRootKind) || section.starts_with(kUserKind);
}

AccessRules readAccessRules(std::span<const IniEntry> entries, std::span<const std::string> origins,
                            std::vector<AccessFault>& faults) {
  RulesReader reader(faults);
  for (std::size_t i = 0; i < entries.size(); ++i) reader.read(i, entries[i], origins[i]);
  return reader.finish();
}

}  // namespace ft
