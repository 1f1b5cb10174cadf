// Who may do what to which name: the decisions of the rules, without any file.

#include "server/access/gate.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

using namespace ft;

namespace {

std::shared_ptr<const AccessRules> rulesOf(const std::string& text) {
  std::vector<AccessFault> faults;
  const std::vector<IniEntry> entries = parseIni(text, "f.conf");
  std::vector<std::string> origins;
  for (const IniEntry& entry : entries) origins.push_back("/etc/ftpd/ftpd.conf:" + std::to_string(entry.line));
  auto rules = std::make_shared<const AccessRules>(readAccessRules(entries, origins, faults));
  for (const AccessFault& fault : faults) FAIL(fault.reason);
  return rules;
}

Identity user(const std::string& name) { return {Identity::Kind::User, name, "password", nullptr}; }
const Identity kLocal{Identity::Kind::Local, "", "loopback", nullptr};
const Identity kNobody{};
const Identity kAnonymous{Identity::Kind::Anonymous, "anonymous", "", nullptr};

Identity token(const std::string& name, TokenScope scope) {
  return {Identity::Kind::User, name, "token ci", std::make_shared<const TokenScope>(std::move(scope))};
}

FileName name(std::string_view text) { return FileName::parseFolder(text); }

constexpr std::array kVerbs{Verb::List,   Verb::Get,    Verb::Put,   Verb::Overwrite,
                            Verb::Delete, Verb::Rename, Verb::Mkdir, Verb::Exec};

}  // namespace

TEST_CASE("a refusal names the section, the key and the line that decided") {
  const auto rules = rulesOf("[user anna]\nallow = pub: list get\n");
  const Gate gate(rules, user("anna"));
  CHECK(gate.decide(Verb::Get, name("pub/a")).allowed);
  CHECK(gate.decide(Verb::Get, name("pub/a")).rule == "[user anna] allow 'pub: list get' (ftpd.conf:2)");
  const Decision put = gate.decide(Verb::Put, name("pub/a"));
  CHECK_FALSE(put.allowed);
  CHECK(put.code == ErrorCode::Forbidden);
  CHECK(put.rule == "[user anna] allow 'pub: list get' (ftpd.conf:2)");
  CHECK(gate.decide(Verb::Get, name("other")).rule == "default: no rule of [user anna] or [user *] covers that name");
}

TEST_CASE("a prefix is whole parts of a name, and the longest one decides alone") {
  const Gate gate(rulesOf("[user anna]\nallow = a: all; a/b: get; a/b/c: none; ab: put\n"), user("anna"));
  CHECK(gate.decide(Verb::Delete, name("a/x/y")).allowed);
  CHECK(gate.decide(Verb::Delete, name("a/bc")).allowed);
  CHECK_FALSE(gate.decide(Verb::Delete, name("a/b")).allowed);
  CHECK(gate.decide(Verb::Get, name("a/b/x")).allowed);
  CHECK_FALSE(gate.decide(Verb::Get, name("a/b/c/d")).allowed);
  CHECK(gate.decide(Verb::Put, name("ab/x")).allowed);
  CHECK_FALSE(gate.decide(Verb::Get, name("ab/x")).allowed);
}

TEST_CASE("a user's own rules come before those of all users, and what only all have is added") {
  const auto rules = rulesOf("[user *]\nallow = pub: read; team: all\n[user anna]\nallow = pub: none; mine: all\n");
  const Gate anna(rules, user("anna"));
  CHECK_FALSE(anna.decide(Verb::Get, name("pub/a")).allowed);
  CHECK(anna.decide(Verb::Put, name("team/a")).allowed);
  CHECK(anna.decide(Verb::Put, name("mine/a")).allowed);
  const Gate bert(rules, user("bert"));
  CHECK(bert.decide(Verb::Get, name("pub/a")).allowed);
  CHECK_FALSE(bert.decide(Verb::Get, name("mine/a")).allowed);
}

TEST_CASE("who has not logged in gets what is written for anonymous use, and nothing of what users get") {
  const auto rules = rulesOf("[user *]\nallow = /: all\n[user anonymous]\nallow = pub: read\n");
  CHECK(Gate(rules, kAnonymous).decide(Verb::Get, name("pub/a")).allowed);
  CHECK_FALSE(Gate(rules, kAnonymous).decide(Verb::Get, name("x")).allowed);
  CHECK_FALSE(Gate(rulesOf("[user *]\nallow = /: all\n"), kAnonymous).decide(Verb::Get, name("x")).allowed);
  CHECK(Gate(rules, kNobody).decide(Verb::Get, name("pub/a")).code == ErrorCode::Unauthenticated);
}

TEST_CASE("a name below {user} is the user's own, and nobody else's") {
  const auto rules = rulesOf("[user *]\nallow = homes/{user}: all\nhome = homes/{user}\n");
  const Gate anna(rules, user("anna"));
  CHECK(anna.home() == name("homes/anna"));
  CHECK(anna.wholeName(name("x/y")) == name("homes/anna/x/y"));
  CHECK(anna.decide(Verb::Put, name("x")).allowed);
  const Gate wide(rulesOf("[user *]\nallow = homes/{user}: all\n"), user("anna"));
  CHECK(wide.decide(Verb::Put, name("homes/anna/x")).allowed);
  CHECK_FALSE(wide.decide(Verb::Get, name("homes/bert/x")).allowed);
  CHECK_FALSE(wide.decide(Verb::Get, name("homes/annaa/x")).allowed);
}

TEST_CASE("where the name may not be listed, reading says that there is nothing") {
  const Gate gate(rulesOf("[user anna]\nallow = /: read; secret: none; inbox: put\n"), user("anna"));
  CHECK(gate.decide(Verb::Get, name("secret")).code == ErrorCode::NotFound);
  CHECK(gate.decide(Verb::List, name("secret/x")).code == ErrorCode::NotFound);
  CHECK(gate.decide(Verb::Get, name("inbox/a")).code == ErrorCode::NotFound);
  CHECK_FALSE(gate.isVisible(name("secret")));
  CHECK_FALSE(gate.isVisible(name("inbox/a")));
  // The folder that leads to what is allowed is known to the user, and what may be changed is decided before it is
  // looked for.
  CHECK(gate.isVisible(name("inbox")));
  CHECK(gate.decide(Verb::List, name("inbox")).code == ErrorCode::Forbidden);
  CHECK(gate.decide(Verb::Delete, name("inbox/a")).code == ErrorCode::Forbidden);
}

TEST_CASE("folders on the way to what is allowed can be seen, and nothing beside them") {
  const Gate gate(rulesOf("[user anna]\nallow = a/b/c: read; a/d: put; x: none; e: exec\n"), user("anna"));
  CHECK(gate.passages(name("")) == std::vector<std::string>{"a"});
  CHECK(gate.passages(name("a")) == std::vector<std::string>{"b", "d"});
  CHECK(gate.passages(name("a/b")) == std::vector<std::string>{"c"});
  CHECK(gate.passages(name("a/d")).empty());
  CHECK_FALSE(gate.isVisible(name("a/z")));
  CHECK_FALSE(gate.isVisible(name("x")));
  CHECK_FALSE(gate.isVisible(name("e")));
}

TEST_CASE("what a root forbids is forbidden to everyone") {
  const auto rules = rulesOf(
      "[root pub]\npath = /p\nread_only = yes\nhide = .git *.key\n[root in]\npath = /i\nwrite_only = yes\n"
      "[user *]\nallow = /: all\n");
  for (const Identity& identity : {kLocal, user("anna")}) {
    const Gate gate(rules, identity);
    CHECK(gate.decide(Verb::Get, name("pub/a")).allowed);
    CHECK(gate.decide(Verb::Put, name("pub/a")).rule == "[root pub] read_only (ftpd.conf:3)");
    CHECK(gate.decide(Verb::Get, name("pub/x/.git/config")).code == ErrorCode::NotFound);
    CHECK(gate.decide(Verb::Get, name("pub/a.key")).rule == "[root pub] hide *.key (ftpd.conf:4)");
    CHECK_FALSE(gate.isVisible(name("pub/x/.git")));
    CHECK(gate.decide(Verb::Get, name("in/a")).code == ErrorCode::NotFound);
    CHECK(gate.decide(Verb::List, name("in")).rule == "[root in] write_only (ftpd.conf:7)");
    CHECK(gate.decide(Verb::Put, name("new")).rule == "the configuration: it has no [root new]");
    CHECK(gate.isVisible(name("in")));
    CHECK(gate.decide(Verb::Put, name("in/a")).allowed);
    CHECK(gate.decide(Verb::List, name("")).allowed);
    CHECK_FALSE(gate.decide(Verb::Mkdir, name("new")).allowed);
    CHECK(gate.decide(Verb::Get, name("nowhere/a")).code == ErrorCode::NotFound);
  }
}

TEST_CASE("a token does no more than its scope, and no more than its user") {
  const auto rules = rulesOf("[user anna]\nallow = /: all; locked: read\n");
  const Gate gate(rules, token("anna", {{"get", "put"}, {"ci", "locked"}}));
  CHECK(gate.decide(Verb::Put, name("ci/a")).allowed);
  CHECK(gate.decide(Verb::Delete, name("ci/a")).rule == "the verbs of the token ci");
  CHECK_FALSE(gate.decide(Verb::Put, name("cix")).allowed);
  CHECK_FALSE(gate.decide(Verb::Get, name("")).allowed);
  CHECK_FALSE(gate.decide(Verb::Put, name("locked/a")).allowed);
  CHECK(gate.decide(Verb::Get, name("locked/a")).allowed);
  CHECK_FALSE(Gate(rules, token("anna", {{"gett"}, {}})).decide(Verb::Get, name("a")).allowed);
}

TEST_CASE("a rename between places of different rules needs what a copy and a removal would need") {
  const auto gateFor = [](const std::string& allow) {
    return Gate(rulesOf("[user anna]\nallow = " + allow + "\n"), user("anna"));
  };
  const auto may = [&](const std::string& allow) {
    return gateFor(allow).decideRename(name("a/x"), name("b/x")).allowed;
  };
  CHECK(may("/: rename"));
  CHECK(may("a: rename get delete; b: rename put"));
  CHECK_FALSE(may("a: rename delete; b: rename put get"));
  CHECK_FALSE(may("a: rename get; b: rename put"));
  CHECK_FALSE(may("a: rename get delete; b: rename"));
  CHECK_FALSE(may("a: all; b: put"));
  CHECK_FALSE(may("b: all"));
}

TEST_CASE("a folder that is renamed into a place of other rules is made there, which mkdir decides") {
  const auto may = [](const std::string& allow, const char* to = "b/x") {
    return Gate(rulesOf("[user anna]\nallow = " + allow + "\n"), user("anna"))
        .decideFolderRename(name("a/x"), name(to))
        .allowed;
  };
  CHECK(may("a: all; b: rename put mkdir"));
  CHECK_FALSE(may("a: all; b: rename put"));
  CHECK(may("/: rename"));
  CHECK(may("a: rename; b: rename put", "a/y"));
}

// Every cell of user kind x verb x path rule, against an oracle that is written from the manual and shares no code with
// the gate.
namespace {

using Names = std::set<std::string>;
struct OracleRule {
  const char* prefix;
  Names verbs;
};
using OracleRules = std::vector<OracleRule>;

const Names kReadWords{"list", "get"};
const Names kAllWords{"list", "get", "put", "overwrite", "delete", "rename", "mkdir"};

bool oracleCovers(const std::string& prefix, const std::string& path) {
  return prefix.empty() || path + "/" == prefix + "/" || (path + "/").rfind(prefix + "/", 0) == 0;
}

bool oracle(const OracleRules& rules, const std::string& verb, const std::string& path) {
  std::size_t longest = 0;
  bool allowed = false;
  for (const OracleRule& rule : rules) {
    const std::string prefix = rule.prefix;
    if (!oracleCovers(prefix, path) || prefix.size() + 1 <= longest) continue;
    longest = prefix.size() + 1;
    allowed = rule.verbs.count(verb) > 0;
  }
  return allowed;
}

}  // namespace

TEST_CASE("every cell of user kind, verb and path rule is as an independent reading of the manual has it") {
  const std::vector<Names> sets{{},         {"list"},  {"get"},    {"put"},         {"put", "overwrite"},
                                {"delete"}, {"mkdir"}, {"rename"}, {"list", "get"}, kAllWords,
                                {"exec"}};
  const std::vector<std::string> paths{"", "a", "a/b", "a/b/c", "ab", "b", "a/bc", "homes/anna/x", "homes/bert"};
  const auto words = [](const Names& verbs) {
    std::string text;
    for (const std::string& verb : verbs) text += " " + verb;
    return text.empty() ? std::string(" none") : text;
  };
  std::size_t cells = 0;
  for (const Names& top : sets) {
    for (const Names& inner : sets) {
      for (const Names& home : sets) {
        const std::string allow = "allow = /:" + words(top) + "; a/b:" + words(inner) + "; homes/{user}:" + words(home);
        const auto rules = rulesOf("[user anna]\n" + allow + "\n[user anonymous]\n" + allow +
                                   "\n[user *]\nallow = a:" + words(inner) + "; a/b: all\n");
        struct Kind {
          Identity identity;
          OracleRules rules;
          bool all = false, none = false;
        };
        const std::vector<Kind> kinds{
            {kLocal, {}, true, false},
            {kNobody, {}, false, true},
            {user("anna"), {{"", top}, {"a/b", inner}, {"homes/anna", home}, {"a", inner}}},
            {user("bert"), {{"a", inner}, {"a/b", kAllWords}}},
            {kAnonymous, {{"", top}, {"a/b", inner}, {"homes/anonymous", home}}},
        };
        for (const Kind& kind : kinds) {
          const Gate gate(rules, kind.identity);
          for (const std::string& path : paths) {
            for (const Verb verb : kVerbs) {
              const bool expected = kind.all || (!kind.none && oracle(kind.rules, std::string(verbName(verb)), path));
              ++cells;
              if (gate.decide(verb, name(path)).allowed == expected) continue;
              CAPTURE(allow);
              CAPTURE(path);
              CAPTURE(verbName(verb));
              CAPTURE(kind.identity.user);
              CHECK(gate.decide(verb, name(path)).allowed == expected);
            }
          }
        }
      }
    }
  }
  CHECK(cells == sets.size() * sets.size() * sets.size() * 5 * paths.size() * 8);
}

TEST_CASE("explain says what is decided, and by which line") {
  const auto rules = rulesOf("[user anna]\nallow = homes/{user}: all\nhome = homes/{user}\n");
  const Explanation yes = explainAccess(*rules, "anna", "put", "/x/a.txt");
  CHECK(yes.allowed);
  CHECK(yes.text ==
        "allowed: anna may put /x/a.txt, which is /homes/anna/x/a.txt of all\n"
        "  by [user anna] allow 'homes/{user}: all' (ftpd.conf:2)\n");
  const Explanation no = explainAccess(*rules, "bert", "get", "a");
  CHECK_FALSE(no.allowed);
  CHECK(no.text == "denied: bert may not get /a\n  by default: no rule of [user bert] or [user *] covers that name\n");
  CHECK_THROWS_AS(explainAccess(*rules, "anna", "gett", "a"), Failure);
  CHECK_THROWS_AS(explainAccess(*rules, "anna", "get", "../a"), Failure);
}

TEST_CASE("explain says what decides beside the verb that was asked for") {
  const auto rules = rulesOf("[user anna]\nallow = in: put; fix: overwrite; out/pub: read; all: write; run: exec\n");
  const auto said = [&](const char* verb, const char* path) { return explainAccess(*rules, "anna", verb, path).text; };
  CHECK(said("put", "in/x") ==
        "allowed: anna may put /in/x\n  by [user anna] allow 'in: put' (ftpd.conf:2)\n"
        "  (a file that is there may not be replaced, by [user anna] allow 'in: put' (ftpd.conf:2))\n");
  CHECK(said("put", "fix/x") ==
        "denied: anna may not put /fix/x\n  by [user anna] allow 'fix: overwrite' (ftpd.conf:2)\n"
        "  (a file that is there may be replaced, by [user anna] allow 'fix: overwrite' (ftpd.conf:2))\n");
  CHECK(said("overwrite", "fix/x").starts_with("allowed: anna may overwrite /fix/x\n"));
  CHECK(said("put", "all/x").find("replaced") == std::string::npos);
  CHECK(said("put", "none/x").find("replaced") == std::string::npos);
  CHECK(said("list", "out").find("folders that lead to what is allowed: pub)") != std::string::npos);
  CHECK(said("exec", "run").starts_with("denied: anna may not exec /\n"));
}

TEST_CASE("explain says of a list that is denied what who knows the name may do") {
  const auto rules = rulesOf(
      "[root box]\npath = /srv/box\nlist = no\n[root drop]\npath = /srv/drop\nwrite_only = yes\n"
      "[user anna]\nallow = /: all\n");
  const auto said = [&](const char* path) { return explainAccess(*rules, "anna", "list", path).text; };
  CHECK(said("box/x") ==
        "denied: anna may not list /box/x\n  by [root box] list (ftpd.conf:3)\n"
        "  (the client is told that there is no such name)\n"
        "  (who knows the name may look at it (stat) and fetch it, by [user anna] allow '/: all' (ftpd.conf:8))\n");
  CHECK(said("drop/x").find("who knows") == std::string::npos);
}
