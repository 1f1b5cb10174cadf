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

struct Verb {
  std::string_view name;
  std::string_view usage;     // as in --help: "put LOCAL... [HOST:DEST | -t REMOTE]"
  std::string_view operands;  // what they are
  std::string_view summary;
  void (*addOptions)(CLI::App& command, Options& options);
  // Prints by shell.output; throws what stops the whole run.
  void (*run)(const Shell& shell);
};

std::span<const Verb> verbs();
// nullptr when there is none of that name.
const Verb* findVerb(std::string_view name);

}  // namespace ft
