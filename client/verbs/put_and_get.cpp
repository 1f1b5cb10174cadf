#include "client/verbs/put_and_get.h"

#include <algorithm>

#include "client/failures.h"
#include "client/verbs/operands.h"
#include "common/escape.h"

namespace ft {

void requireFileNames(const Options& options) {
  requireOperands(options);
  const std::vector<std::string>& operands = options.operands;
  // Mostly a variable that was not set; for get it would mean all there is.
  if (std::find(operands.begin(), operands.end(), "") != operands.end()) throw UsageError("a name is empty");
}

std::string labelOf(const Options& options) {
  if (options.operands.size() != 1) return "";
  const std::string& operand = options.operands.front();
  return operand == kStream ? options.target.value_or("") : operand;
}

void requireDifferent(std::vector<std::pair<std::string, std::string>> targets) {
  std::sort(targets.begin(), targets.end());
  const auto same = std::adjacent_find(targets.begin(), targets.end(),
                                       [](const auto& a, const auto& b) { return a.first == b.first; });
  if (same == targets.end()) return;
  throw UsageError("'" + escapeText(same->second) + "' and '" + escapeText(std::next(same)->second) +
                   "' would both become '" + escapeText(same->first) + "'");
}

std::optional<RemoteInfo> remoteFolder(Link& link, const FileName& remote) {
  const RemoteInfo info = link.persist([&] { return link.client().stat(remote); });
  return info.type == RemoteType::Folder ? std::optional(info) : std::nullopt;
}

void tellPartsLeftOut(Output& output, std::uint64_t count) {
  if (count == 0) return;
  output.warned("left out " + std::to_string(count) + (count == 1 ? " file" : " files") +
                " named .*.ftpc-part: such names are for what ftpc has not fetched completely");
}

}  // namespace ft
