#pragma once
// What a verb is, and what it works with.

#include <string_view>

#include "client/connection/link.h"
#include "client/options/options.h"
#include "client/stop_request.h"
#include "client/terminal/output.h"

namespace CLI {
class App;
}

namespace ft {

// One command line that is carried out. All of it outlives the call.
struct VerbCall {
  const Options& options;
  Link& link;
  Output& output;
  const StopRequest& stop;
};

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
  // Prints by call.output; throws what stops the whole run.
  void (*run)(const VerbCall& call);
};

}  // namespace ft
