#include "server/access/gate.h"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "common/escape.h"

namespace ft {
namespace {

constexpr std::string_view kEveryUser = "*";

bool isAtOrBelow(std::string_view name, std::string_view folder) { return name == folder || isBelow(name, folder); }

bool writes(Verb verb) { return verb != Verb::List && verb != Verb::Get && verb != Verb::Exec; }

// Is there anything that can be done to files?
bool usesFiles(VerbSet verbs) { return !verbs.empty() && !(verbs == VerbSet{Verb::Exec}); }

Decision denied(std::string rule, ErrorCode code = ErrorCode::Forbidden) { return {false, std::move(rule), code}; }

// The pattern that hides a part of the name, or "".
std::string hiddenBy(const RootRules& root, const FileName& whole) {
  const auto parts = whole.parts();
  // The first part is the root's own name.
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string part(parts[i]);
    for (const std::string& pattern : root.hide.value) {
      if (::fnmatch(pattern.c_str(), part.c_str(), 0) == 0) return pattern;
    }
  }
  return {};
}

std::string sectionOf(const RootRules& root) { return "root " + root.name; }

}  // namespace

Identity identityOf(const std::string& user) {
  Identity identity;
  identity.kind = user == "anonymous" ? Identity::Kind::Anonymous : Identity::Kind::User;
  identity.user = user;
  return identity;
}

std::string ruleInWords(std::string_view section, std::string_view key, std::string_view origin) {
  std::string words = "[" + std::string(section) + "] " + std::string(key);
  const std::size_t slash = origin.rfind('/');
  if (slash != std::string_view::npos) origin.remove_prefix(slash + 1);
  if (!origin.empty()) words += " (" + std::string(origin) + ")";
  return words;
}

Gate::Gate(std::shared_ptr<const AccessRules> rules, Identity identity)
    : rules_(std::move(rules)), identity_(std::move(identity)) {
  const bool isUser = identity_.kind == Identity::Kind::User;
  if (isUser || identity_.kind == Identity::Kind::Anonymous) {
    if (!isUser) identity_.user = "anonymous";
    if (const UserRules* const rulesOfOwn = rules_->findUser(identity_.user)) takeRules(*rulesOfOwn);
    const UserRules* const ofAll = isUser ? rules_->findUser(kEveryUser) : nullptr;
    if (ofAll != nullptr) takeRules(*ofAll);
  }
  takeScope();
}

// The user's own come first: where both speak of the same folder, those hold.
void Gate::takeRules(const UserRules& user) {
  for (const PathRule& rule : user.allow.value) {
    const std::string prefix = withUser(rule.prefix, identity_.user);
    const auto same = [&](const Rule& before) { return before.prefix == prefix; };
    if (std::any_of(allowed_.begin(), allowed_.end(), same)) continue;
    const std::string key = "allow '" + escapeText(rule.text, 120) + "'";
    allowed_.push_back({prefix, rule.verbs, ruleInWords("user " + user.name, key, user.allow.origin)});
  }
  if (home_.isRoot() && user.home.given()) home_ = FileName::parse(withUser(user.home.value, identity_.user));
}

void Gate::takeScope() {
  if (!identity_.scope) return;
  if (!identity_.scope->verbs.empty()) {
    scopeVerbs_.emplace();
    for (const std::string& word : identity_.scope->verbs) scopeVerbs_->add(verbsFromWord(word).value_or(VerbSet()));
  }
  scopePrefixes_ = identity_.scope->prefixes;
}

std::optional<Gate::Limit> Gate::limit(Placed<std::uint64_t> UserRules::*key, std::string_view name) const {
  const bool isUser = identity_.kind == Identity::Kind::User;
  if (!isUser && identity_.kind != Identity::Kind::Anonymous) return std::nullopt;
  for (const std::string_view section : {std::string_view(identity_.user), isUser ? kEveryUser : std::string_view()}) {
    const UserRules* const user = section.empty() ? nullptr : rules_->findUser(section);
    if (user == nullptr || !(user->*key).given()) continue;
    return Limit{(user->*key).value, ruleInWords("user " + user->name, name, (user->*key).origin)};
  }
  return std::nullopt;
}

FileName Gate::wholeName(const FileName& name) const {
  if (home_.isRoot()) return name;
  return name.isRoot() ? home_ : home_.child(name.text());
}

const RootRules* Gate::rootOf(const FileName& whole) const {
  if (rules_->roots.empty() || whole.isRoot()) return nullptr;
  return rules_->findRoot(std::string_view(whole.text()).substr(0, whole.text().find('/')));
}

const Gate::Rule* Gate::longest(const std::string& whole) const {
  const Rule* found = nullptr;
  for (const Rule& rule : allowed_) {
    if (!isAtOrBelow(whole, rule.prefix)) continue;
    if (found == nullptr || rule.prefix.size() > found->prefix.size()) found = &rule;
  }
  return found;
}

bool Gate::leadsToAllowed(const std::string& whole) const {
  return std::any_of(allowed_.begin(), allowed_.end(),
                     [&](const Rule& rule) { return usesFiles(rule.verbs) && isAtOrBelow(rule.prefix, whole); });
}

bool Gate::scopeLeadsThrough(const std::string& name) const {
  if (scopePrefixes_.empty()) return true;
  return std::any_of(scopePrefixes_.begin(), scopePrefixes_.end(),
                     [&](const std::string& prefix) { return isAtOrBelow(name, prefix) || isAtOrBelow(prefix, name); });
}

// What the roots forbid to everyone.
std::optional<Decision> Gate::decideByRoot(Verb verb, const FileName& whole) const {
  if (verb == Verb::Exec || rules_->roots.empty()) return std::nullopt;
  if (whole.isRoot()) {
    if (!writes(verb)) return std::nullopt;
    return denied("the configuration: at the top are its roots and nothing else");
  }
  const RootRules* const root = rootOf(whole);
  if (root == nullptr) {
    const std::string name(whole.parts().front());
    return denied("the configuration: it has no [root " + escapeText(name, 80) + "]",
                  writes(verb) ? ErrorCode::Forbidden : ErrorCode::NotFound);
  }
  const auto by = [&](std::string_view key, const std::string& origin) {
    return ruleInWords(sectionOf(*root), key, origin);
  };
  if (const std::string pattern = hiddenBy(*root, whole); !pattern.empty()) {
    const bool makes = verb == Verb::Put || verb == Verb::Mkdir;
    return denied(by("hide " + pattern, root->hide.origin), makes ? ErrorCode::Forbidden : ErrorCode::NotFound);
  }
  if (root->readOnly.value && writes(verb)) return denied(by("read_only", root->readOnly.origin));
  if (root->writeOnly.value && verb == Verb::Get) return denied(by("write_only", root->writeOnly.origin));
  // A drop box is not listed even when nothing is said of lists.
  const bool implied = root->list.origin == root->writeOnly.origin;
  if (!root->list.value && verb == Verb::List) return denied(by(implied ? "write_only" : "list", root->list.origin));
  return std::nullopt;
}

std::optional<Decision> Gate::decideByScope(Verb verb, const FileName& name) const {
  if (scopeVerbs_ && !scopeVerbs_->has(verb)) return denied("the verbs of the " + identity_.method);
  const auto covers = [&](const std::string& prefix) { return isAtOrBelow(name.text(), prefix); };
  if (!scopePrefixes_.empty() && std::none_of(scopePrefixes_.begin(), scopePrefixes_.end(), covers)) {
    return denied("the folders of the " + identity_.method);
  }
  return std::nullopt;
}

Decision Gate::decideByUser(Verb verb, const FileName& whole) const {
  const Rule* const rule = longest(whole.text());
  if (rule != nullptr) return {rule->verbs.has(verb), rule->words, ErrorCode::Forbidden};
  const bool isUser = identity_.kind == Identity::Kind::User;
  return denied(isUser ? "default: no rule of [user " + identity_.user + "] or [user *] covers that name"
                       : "default: no rule of [user anonymous] covers that name");
}

Decision Gate::decideOpenly(Verb verb, const FileName& name, const FileName& whole) const {
  if (identity_.kind == Identity::Kind::Nobody) return denied("being logged in", ErrorCode::Unauthenticated);
  if (auto byRoot = decideByRoot(verb, whole)) return *byRoot;
  if (auto byScope = decideByScope(verb, name)) return *byScope;
  if (identity_.kind == Identity::Kind::Local) return {true, "local access", ErrorCode::Forbidden};
  return decideByUser(verb, whole);
}

// Where not even a list would tell the name, an attempt to read must not do so either.
Decision Gate::hideIfUntold(Decision decision, Verb verb, const FileName& name) const {
  const bool reads = verb == Verb::List || verb == Verb::Get;
  if (decision.code != ErrorCode::Forbidden || !reads) return decision;
  const bool isOwn = identity_.kind == Identity::Kind::Local || longest(wholeName(name).text()) != nullptr;
  if (isOwn && !isVisible(name)) decision.code = ErrorCode::NotFound;
  return decision;
}

Decision Gate::decide(Verb verb, const FileName& name) const {
  Decision decision = decideOpenly(verb, name, wholeName(name));
  return decision.allowed ? decision : hideIfUntold(std::move(decision), verb, name);
}

Decision Gate::decideRename(const FileName& from, const FileName& to) const {
  Decision decision = decide(Verb::Rename, from);
  if (!decision.allowed) return decision;
  if (Decision there = decide(Verb::Rename, to); !there.allowed) {
    there.code = ErrorCode::Forbidden;  // it is not the name that was to be found
    return there;
  }
  if (longest(wholeName(from).text()) == longest(wholeName(to).text())) return decision;
  for (const Verb verb : {Verb::Get, Verb::Delete}) {
    if (Decision taken = decideOpenly(verb, from, wholeName(from)); !taken.allowed) return taken;
  }
  Decision given = decide(Verb::Put, to);
  return given.allowed ? decision : given;
}

Decision Gate::decideFolderRename(const FileName& from, const FileName& to) const {
  const Rule* const there = longest(wholeName(to).text());
  if (longest(wholeName(from).text()) == there) return {true, there == nullptr ? "" : there->words};
  return decide(Verb::Mkdir, to);
}

bool Gate::isVisible(const FileName& name) const {
  const FileName whole = wholeName(name);
  const Decision listed = decideOpenly(Verb::List, name, whole);
  if (listed.allowed) return true;
  if (listed.code != ErrorCode::Forbidden) return false;
  // Who may use a root in some way may know that it is there.
  const Rule* const rule = longest(whole.text());
  const bool isRoot = rootOf(whole) != nullptr && whole.parts().size() == 1;
  const bool usesRoot =
      isRoot && (identity_.kind == Identity::Kind::Local || (rule != nullptr && usesFiles(rule->verbs)));
  return (usesRoot || leadsToAllowed(whole.text())) && scopeLeadsThrough(name.text());
}

std::vector<std::string> Gate::passages(const FileName& folder) const {
  const std::string whole = wholeName(folder).text();
  std::vector<std::string> names;
  for (const Rule& rule : allowed_) {
    if (!usesFiles(rule.verbs) || !isBelow(rule.prefix, whole)) continue;
    const std::size_t begin = whole.empty() ? 0 : whole.size() + 1;
    names.push_back(rule.prefix.substr(begin, rule.prefix.find('/', begin) - begin));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::erase_if(names, [&](const std::string& name) { return !isVisible(folder.child(name)); });
  return names;
}

bool Gate::isUniform(Verb verb, const FileName& name) const {
  const FileName whole = wholeName(name);
  const RootRules* const root = rootOf(whole);
  if (!rules_->roots.empty() && root == nullptr) return false;
  if (root != nullptr && !root->hide.value.empty()) return false;
  return std::none_of(allowed_.begin(), allowed_.end(),
                      [&](const Rule& rule) { return isBelow(rule.prefix, whole.text()) && !rule.verbs.has(verb); });
}

std::optional<std::string> Gate::ruleInside(const FileName& folder) const {
  const std::string whole = wholeName(folder).text();
  for (const Rule& rule : allowed_) {
    if (isBelow(rule.prefix, whole)) return rule.words;
  }
  return std::nullopt;
}

}  // namespace ft
