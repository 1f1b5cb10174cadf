#include "server/access/guarded_names.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "server/storage/disk_failure.h"

namespace ft {

Failure refusal(const Decision& decision, std::string_view action, const FileName& name) {
  const std::string what = "cannot " + std::string(action) + " " + shownName(name) + ": ";
  switch (decision.code) {
    case ErrorCode::NotFound: {
      const Failure missing = diskFailure(ENOENT, action, name);
      return {missing.code(), missing.what(), decision.rule};
    }
    case ErrorCode::Unauthenticated: return {decision.code, what + "log in first", decision.rule};
    default: return {decision.code, what + "not allowed by " + decision.rule, decision.rule};
  }
}

Failure retold(const Failure& failure, const FileName& inner, const FileName& name) {
  if (inner == name) return failure;
  std::string text = failure.what();
  std::vector<Failure::Mention> mentions = failure.mentions();
  FileName there = inner;
  FileName seen = name;
  // The failure speaks of the thing itself or of a folder above it.
  for (;;) {
    const auto found = std::find_if(mentions.begin(), mentions.end(),
                                    [&](const Failure::Mention& mention) { return mention.name == there.text(); });
    if (found != mentions.end()) {
      const std::string shown = shownName(seen);
      const std::size_t size = found->size;
      text.replace(found->begin, size, shown);
      for (auto later = mentions.erase(found); later != mentions.end(); ++later) later->begin += shown.size() - size;
      break;
    }
    if (there.isRoot() || seen.isRoot()) break;
    there = there.parent();
    seen = seen.parent();
  }
  return {failure.code(), text, failure.rule(), std::move(mentions)};
}

}  // namespace ft
