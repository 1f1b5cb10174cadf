#pragma once
// The table of verbs: what ftpc can do, how it is written, and what runs.

#include <span>
#include <string_view>

namespace CLI {
class App;
}

namespace ft {

struct Options;
struct Shell;

// What the operands of a verb are.
enum class Operands {
  Words,     // nothing that the server has or gets
  Sources,   // local names; the last one may be HOST:DEST instead
  Names,     // remote names, also as people write local ones ("./a")
  Anywhere,  // the same, and each may be HOST:PATH
};

struct Verb {
  std::string_view name;
  std::string_view usage;  // as in --help: "put LOCAL... [HOST:DEST | -t REMOTE]"
  Operands kind;
  std::string_view operands;  // what they are, in words
  std::string_view summary;
  void (*addOptions)(CLI::App& command, Options& options);
  // Prints by shell.output; throws what stops the whole run.
  void (*run)(const Shell& shell);
};

std::span<const Verb> verbs();
// nullptr when there is none of that name.
const Verb* findVerb(std::string_view name);

}  // namespace ft
