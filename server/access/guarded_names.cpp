#include "server/access/guarded_names.h"

#include <cerrno>
#include <string>

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
  FileName there = inner;
  FileName seen = name;
  // The message names the thing itself or a folder above it.
  for (;;) {
    const std::string before = shownName(there);
    if (const std::size_t found = text.find(before); found != std::string::npos) {
      text.replace(found, before.size(), shownName(seen));
      break;
    }
    if (there.isRoot() || seen.isRoot()) break;
    there = there.parent();
    seen = seen.parent();
  }
  return {failure.code(), text, failure.rule()};
}

}  // namespace ft
