#pragma once
// The one place that decides who may do what to which name. Knows the rules and no files; its answers never depend on
// what is there. What no rule allows is denied.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/file_name.h"
#include "server/access/identity.h"
#include "server/config/access_rules.h"

namespace ft {

struct Decision {
  bool allowed = false;
  std::string rule;  // what decided, in words: "[user anna] allow 'pub: list get' (ftpd.conf:41)", "identity local"
  // Denied only: Forbidden, Unauthenticated, or NotFound where the name itself must not be told.
  ErrorCode code = ErrorCode::Forbidden;
};

// The rules as they apply to one identity. Immutable; any thread.
class Gate {
 public:
  Gate(std::shared_ptr<const AccessRules> rules, Identity identity);

  // May the identity do that to the name, as it sees it (below its home)? A put needs Put for a new file and Overwrite
  // to replace one.
  Decision decide(Verb verb, const FileName& name) const;
  // A rename asks for Rename at both ends; between places that different rules speak of it is as much as a get, a
  // delete and a put.
  Decision decideRename(const FileName& from, const FileName& to) const;
  // What a folder needs beside that: between places that different rules speak of, a copy of it would be made.
  Decision decideFolderRename(const FileName& from, const FileName& to) const;
  // May the name be told in a list of its folder? Those that may be listed, and folders on the way to what the identity
  // may use.
  bool isVisible(const FileName& name) const;
  // A folder that may not be listed, but leads to names that are allowed: what of it may be told are these children.
  std::vector<std::string> passages(const FileName& folder) const;
  // Does the same hold for all that is below the name? Else trees must be looked at name by name.
  bool isUniform(Verb verb, const FileName& name) const;
  // The longer rule that speaks of something inside the folder, in words; nullopt when there is none.
  std::optional<std::string> ruleInside(const FileName& folder) const;

  // A number of the user's own section or of [user *], and the setting to name; nullopt where neither has it.
  struct Limit {
    std::uint64_t value = 0;
    std::string rule;
  };
  std::optional<Limit> limit(Placed<std::uint64_t> UserRules::*key, std::string_view name) const;

  const Identity& identity() const { return identity_; }
  const AccessRules& rules() const { return *rules_; }
  // Where the view begins in the whole tree.
  const FileName& home() const { return home_; }
  // The name in the whole tree. Throws NameInvalid when it is too long there.
  FileName wholeName(const FileName& name) const;
  // The root that a name of the whole tree lies in; nullptr for the top of several roots, for no such root, and where
  // no [root] is configured.
  const RootRules* rootOf(const FileName& whole) const;

 private:
  struct Rule {
    std::string prefix;
    VerbSet verbs;
    std::string words;
  };

  void takeRules(const UserRules& user);
  void takeScope();
  const Rule* longest(const std::string& whole) const;
  bool leadsToAllowed(const std::string& whole) const;
  std::optional<Decision> decideByRoot(Verb verb, const FileName& whole) const;
  std::optional<Decision> decideByScope(Verb verb, const FileName& name) const;
  Decision decideByUser(Verb verb, const FileName& whole) const;
  bool scopeLeadsThrough(const std::string& name) const;
  Decision decideOpenly(Verb verb, const FileName& name, const FileName& whole) const;
  Decision hideIfUntold(Decision decision, Verb verb, const FileName& name) const;

  std::shared_ptr<const AccessRules> rules_;
  Identity identity_;
  FileName home_ = FileName::root();
  std::vector<Rule> allowed_;  // no two of the same prefix
  std::optional<VerbSet> scopeVerbs_;
  std::vector<std::string> scopePrefixes_;  // none: everything
};

// Who has logged in under that name; "anonymous" is the one who has not.
Identity identityOf(const std::string& user);

// "[user anna] allow (ftpd.conf:41)": how rules are told, with the file's name and no folders.
std::string ruleInWords(std::string_view section, std::string_view key, std::string_view origin);

// `ftpd user explain`: what the rules say to this user, verb and path (as the user sees it).
struct Explanation {
  bool allowed = false;
  std::string text;  // lines that end with '\n'
};
// Throws Failure for what is no verb or no name. "anonymous" is the one who has not logged in.
Explanation explainAccess(const AccessRules& rules, const std::string& user, std::string_view verb,
                          std::string_view path);

}  // namespace ft
