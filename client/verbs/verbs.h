#pragma once
// The table of verbs: what ftpc can do, how it is written, and what runs.

#include <span>
#include <string_view>

#include "client/verbs/verb.h"

namespace ft {

std::span<const Verb> verbs();
// nullptr when there is none of that name.
const Verb* findVerb(std::string_view name);

}  // namespace ft
