#include "client/verbs/hints.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/error.h"
#include "common/escape.h"

namespace ft {
namespace {

struct Failed {
  const Options& options;
  const std::string& name;
  const Problem& problem;
  bool first;

  bool is(ErrorCode code) const { return problem.code == errorName(code); }
  bool isOperand() const {
    return std::find(options.operands.begin(), options.operands.end(), name) != options.operands.end();
  }
};

// As a word of a shell's command line.
std::string word(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+,:@%/";
  const std::string shown = escapeText(text);
  return shown.find_first_not_of(kPlain) == std::string::npos ? shown : "'" + shown + "'";
}

// cp and scp take the new name as their last operand.
bool isNewName(const Failed& failed) {
  return failed.first && failed.options.operands.size() == 2 && failed.name == failed.options.operands.back();
}

std::string hintForGet(const Failed& failed) {
  const bool unknown = failed.is(ErrorCode::NotFound) || failed.is(ErrorCode::NameInvalid);
  if (!unknown || failed.options.output || !isNewName(failed)) return "";
  return "to fetch under another name: -o " + word(failed.name);
}

std::string hintForPut(const Failed& failed) {
  if (!failed.is(ErrorCode::NotFound) || failed.problem.fromServer || failed.options.target || !isNewName(failed)) {
    return "";
  }
  // A name there never begins with a slash.
  const std::size_t begin = failed.name.find_first_not_of('/');
  return begin == std::string::npos ? "" : "to store under another name: -t " + word(failed.name.substr(begin));
}

std::string hintForMkdir(const Failed& failed) {
  return failed.is(ErrorCode::NotFound) && !failed.options.parents ? "-p makes missing folders" : "";
}

std::string hintForRm(const Failed& failed) {
  return failed.is(ErrorCode::IsDirectory) && !failed.options.recursive ? "-r removes all that is in it, too" : "";
}

std::string hintForMv(const Failed& failed) {
  const std::vector<std::string>& names = failed.options.operands;
  if (!failed.is(ErrorCode::IsDirectory) || names.size() != 2 || names.back().ends_with('/')) return "";
  return "to move it into that folder: ftpc mv " + word(names.front()) + " " + word(names.back() + "/");
}

// A pattern that the shell has left as it is.
std::string hintForPattern(const Failed& failed) {
  const bool pattern = failed.problem.fromServer && failed.name.find_first_of("*?[") != std::string::npos;
  if (!pattern || !failed.is(ErrorCode::NotFound) || !failed.isOperand()) return "";
  return "names on the server are taken literally, not as patterns";
}

struct VerbHint {
  std::string_view verb;
  std::string (*hint)(const Failed& failed);
};

constexpr std::array kHints{VerbHint{"get", hintForGet}, VerbHint{"put", hintForPut}, VerbHint{"mkdir", hintForMkdir},
                            VerbHint{"rm", hintForRm}, VerbHint{"mv", hintForMv}};

}  // namespace

std::string hintFor(const Options& options, const std::string& name, const Problem& problem, bool first) {
  const Failed failed{options, name, problem, first};
  std::string hint = hintForPattern(failed);
  for (const VerbHint& each : kHints) {
    if (hint.empty() && each.verb == options.verb) hint = each.hint(failed);
  }
  return hint.empty() ? "" : "; " + hint;
}

}  // namespace ft
