#pragma once
// What somebody may have meant by a word that is not known: a key, an option, a command, a user.

#include <string>
#include <string_view>
#include <vector>

namespace ft {

// The candidate that is meant most likely: one that `word` shortens or is a slip away from (Levenshtein's distance, up
// to a third of the letters). "" when none is.
std::string_view nearestWord(std::string_view word, const std::vector<std::string_view>& candidates);

// "; did you mean 'listen'?" for the end of a message, or "" when no candidate is near.
std::string didYouMean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace ft
