#pragma once
// Words that people know from other programs and ftpc does not have: what to write instead, or why nothing is needed.

#include <string>
#include <string_view>

namespace ft {

// The end of the message about an option ("-f", "--force") or a command ("cat") that is not known. `verb`: the verb in
// front of the option; "" for a command. "" when nothing is known of the word.
std::string adviceOnWord(std::string_view verb, std::string_view word);

}  // namespace ft
