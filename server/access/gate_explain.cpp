// `ftpd user explain`.
#include <utility>

#include "common/escape.h"
#include "server/access/gate.h"

namespace ft {
namespace {

std::string toldInstead(const Decision& decision) {
  switch (decision.code) {
    case ErrorCode::NotFound: return "  (the client is told that there is no such name)\n";
    case ErrorCode::Unauthenticated: return "  (the client is told to log in)\n";
    default: return "";
  }
}

// What decides beside the verb that was asked for, where it is decided otherwise.
std::string exceptions(const Gate& gate, Verb verb, const FileName& name, bool allowed) {
  if (verb == Verb::Put) {
    const Decision replace = gate.decide(Verb::Overwrite, name);
    if (replace.allowed == allowed) return "";
    return "  (a file that is there " + std::string(allowed ? "may not" : "may") + " be replaced, by " + replace.rule +
           ")\n";
  }
  if (verb != Verb::List || allowed) return "";
  const Decision get = gate.decide(Verb::Get, name);
  const std::string known =
      get.allowed ? "  (who knows the name may look at it (stat) and fetch it, by " + get.rule + ")\n" : "";
  std::string names;
  for (const std::string& child : gate.passages(name)) names += (names.empty() ? "" : ", ") + escapeText(child);
  return names.empty() ? known
                       : known + "  (a list tells of the folders that lead to what is allowed: " + names + ")\n";
}

}  // namespace

Explanation explainAccess(const AccessRules& rules, const std::string& user, std::string_view verb,
                          std::string_view path) {
  const auto asked = verbFromName(verb);
  if (!asked) {
    throw Failure(
        ErrorCode::BadRequest,
        "'" + escapeText(verb, 40) + "' is not a verb; the verbs are list get put overwrite delete rename mkdir exec");
  }
  const FileName given = FileName::parseFolder(withoutOuterSlashes(path));
  // Commands belong to no folder.
  const FileName name = *asked == Verb::Exec ? FileName::root() : given;
  const Gate gate(std::make_shared<const AccessRules>(rules), identityOf(user));
  const Decision decision = gate.decide(*asked, name);

  Explanation explanation{decision.allowed, decision.allowed ? "allowed: " : "denied: "};
  explanation.text += escapeText(user, 64) + (decision.allowed ? " may " : " may not ") + std::string(verb) + " /" +
                      escapeText(name.text());
  if (!gate.home().isRoot()) explanation.text += ", which is /" + escapeText(gate.wholeName(name).text()) + " of all";
  explanation.text += "\n  by " + decision.rule + "\n";
  if (!decision.allowed) explanation.text += toldInstead(decision);
  explanation.text += exceptions(gate, *asked, name, decision.allowed);
  return explanation;
}

}  // namespace ft
