#pragma once
// What is wrong with a command line that CLI11 has refused, in words for the person who typed it.

#include <functional>
#include <string>
#include <string_view>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace ft {

// What a program knows of words that are none of its own: the end of the message about `word`, which is an option
// behind `command`, or a command when that is "". "" when it knows nothing of it.
using WordAdvice = std::function<std::string(std::string_view command, std::string_view word)>;

// Names the option or command that is not known, with what `advice` says of it, else with the nearest that is known;
// for all else it is CLI11's own text. `app` is the one that threw `error`, and has the name of the program.
std::string commandLineFault(const CLI::App& app, const CLI::ParseError& error, const WordAdvice& advice = {});

}  // namespace ft
