#pragma once
// What to try next when something was refused: for people, in one place for all verbs.

#include <string>

#include "client/exit_code.h"
#include "client/options/options.h"

namespace ft {

// The end of the message about a failure of `name` ("; -p makes missing folders"), or "" where there is nothing to add.
// `first`: nothing has failed before it. Safe to print.
std::string hintFor(const Options& options, const std::string& name, const Problem& problem, bool first);

}  // namespace ft
