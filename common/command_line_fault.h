#pragma once
// What is wrong with a command line that CLI11 has refused, in words for the person who typed it.

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace ft {

// Names the option or command that is not known, with the nearest that is; for all else it is CLI11's own text. `app`
// is the one that threw `error`, and has the name of the program.
std::string commandLineFault(const CLI::App& app, const CLI::ParseError& error);

}  // namespace ft
