#pragma once
// What the configuration says about roots and users ([root NAME] and [user NAME]), as it is written there. gate.h
// decides by it.

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/ini_file.h"

namespace ft {

// What can be done to a name. Put is for new files; Overwrite lets a put take the place of a file, and a rename too
// (beside Rename).
enum class Verb { List, Get, Put, Overwrite, Delete, Rename, Mkdir, Exec };

std::string_view verbName(Verb verb);
// nullopt for what is no verb.
std::optional<Verb> verbFromName(std::string_view name);

class VerbSet {
 public:
  constexpr VerbSet() = default;
  constexpr VerbSet(std::initializer_list<Verb> verbs) {
    for (const Verb verb : verbs) add(verb);
  }
  constexpr void add(Verb verb) { bits_ |= 1U << static_cast<unsigned>(verb); }
  constexpr void add(VerbSet verbs) { bits_ |= verbs.bits_; }
  constexpr bool has(Verb verb) const { return ((bits_ >> static_cast<unsigned>(verb)) & 1U) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const VerbSet&) const = default;

 private:
  unsigned bits_ = 0;
};

// A verb's name, or a word for several: read (list get), write (put overwrite delete rename mkdir), all (read and
// write), none.
std::optional<VerbSet> verbsFromWord(std::string_view word);

// Stands for the user's name in folders.
inline constexpr std::string_view kUserMark = "{user}";
// The text with the user's name in the place of every mark; a mark in that name is left as it is.
std::string withUser(std::string text, std::string_view user);

// "PREFIX: verb verb" of an allow. It speaks of the name `prefix` and of all below it, as far as no longer one does.
struct PathRule {
  std::string prefix;  // of the whole tree, without '/' at its ends; "" is all; {user} stands for the user's name
  VerbSet verbs;
  std::string text;  // as it is written
};

// A value, and where it was given.
template <typename Value>
struct Placed {
  Value value{};
  std::string origin;  // "ftpd.conf:41"; empty where it was not given
  bool given() const { return !origin.empty(); }
};

// [user NAME], [user *] (every user who has logged in) or [user anonymous].
struct UserRules {
  std::string name;
  std::string origin;
  Placed<std::vector<PathRule>> allow;
  Placed<std::string> home;  // where the user's view begins; may hold {user}
  Placed<std::uint64_t> quotaBytes;
  Placed<std::uint64_t> quotaFiles;
  Placed<std::uint64_t> rate;  // bytes a second
  Placed<std::uint64_t> connections;
  Placed<std::uint64_t> transfers;
};

// A user or group of the system. The number is looked up when the rules are read; a sandbox may keep a later reading
// from it.
struct SystemId {
  std::string name;
  std::optional<std::uint32_t> number;
};

// [root NAME]
struct RootRules {
  std::string name;
  std::string origin;
  Placed<std::string> path;
  Placed<bool> readOnly;
  Placed<bool> writeOnly;
  Placed<bool> list{true, ""};
  Placed<std::vector<std::string>> hide;  // patterns of fnmatch(3) for one part of a name
  Placed<std::uint64_t> maxFileSize;
  Placed<std::chrono::milliseconds> maxAge;  // files that are older are removed
  Placed<std::uint32_t> fileMode;
  Placed<std::uint32_t> folderMode;
  Placed<std::uint32_t> umask;  // taken from the permission bits that clients ask for, too
  Placed<SystemId> owner;
  Placed<SystemId> group;
};

struct AccessRules {
  std::vector<RootRules> roots;  // none: the one root of [storage], without rules of its own
  std::vector<UserRules> users;

  const RootRules* findRoot(std::string_view name) const;
  const UserRules* findUser(std::string_view name) const;
};

// Does the section belong here? "root NAME" and "user NAME".
bool isAccessSection(std::string_view section);
// The keys of such a section, for messages and the check of documents.
std::vector<std::string_view> accessKeys(std::string_view section);

struct AccessFault {
  std::size_t entry = 0;  // the first one of a section when it is about all of it
  std::string reason;
};

// The rules of those entries, which all stand in such sections; origins[i] is where entries[i] was given. Faults are
// appended; rules with faults are not to be used.
AccessRules readAccessRules(std::span<const IniEntry> entries, std::span<const std::string> origins,
                            std::vector<AccessFault>& faults);

}  // namespace ft
