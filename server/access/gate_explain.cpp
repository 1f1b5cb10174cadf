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

}  // namespace

Explanation explainAccess(const AccessRules& rules, const std::string& user, std::string_view verb,
                          std::string_view path) {
  const auto asked = verbFromName(verb);
  if (!asked) {
    throw Failure(
        ErrorCode::BadRequest,
        "'" + escapeText(verb, 40) + "' is not a verb; the verbs are list get put overwrite delete rename mkdir exec");
  }
  const FileName name = FileName::parseFolder(withoutOuterSlashes(path));
  const Gate gate(std::make_shared<const AccessRules>(rules), identityOf(user));
  const Decision decision = gate.decide(*asked, name);

  Explanation explanation{decision.allowed, decision.allowed ? "allowed: " : "denied: "};
  explanation.text +=
      user + (decision.allowed ? " may " : " may not ") + std::string(verb) + " /" + escapeText(name.text());
  if (!gate.home().isRoot()) explanation.text += ", which is /" + escapeText(gate.wholeName(name).text()) + " of all";
  explanation.text += "\n  by " + decision.rule + "\n";
  if (!decision.allowed) explanation.text += toldInstead(decision);
  return explanation;
}

}  // namespace ft
