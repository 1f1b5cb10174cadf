#include "client/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <array>

#include "client/verbs/discover_verb.h"
#include "client/verbs/exec_verb.h"
#include "client/verbs/get_verb.h"
#include "client/verbs/info_verbs.h"
#include "client/verbs/keygen_verb.h"
#include "client/verbs/ping_verb.h"
#include "client/verbs/put_verb.h"
#include "common/units.h"

namespace ft {
namespace {

void noOptions(CLI::App&, Options&) {}

std::chrono::milliseconds readWait(const std::string& text) {
  constexpr std::chrono::minutes kMost{10};
  const auto time = parseDuration(text);
  if (!time || time->count() <= 0 || *time > kMost) {
    throw CLI::ValidationError("--wait", "'" + text + "' is not a time such as 500ms or 3s");
  }
  return *time;
}

void putOptions(CLI::App& command, Options& options) {
  command.add_option("-t,--target", options.target, "The remote name; ending in / it is a folder, made if missing")
      ->type_name("REMOTE");
}

void getOptions(CLI::App& command, Options& options) {
  command
      .add_option("-o,--output", options.output,
                  "The local name; ending in / it is a folder to put it into; - is standard output")
      ->type_name("LOCAL");
}

void lsOptions(CLI::App& command, Options& options) {
  command.add_flag("-l,--long", options.longList, "With permissions, size and time");
  // As ls has it; the program itself keeps -h for its help.
  command.set_help_flag("--help", "Print this help message and exit");
  command.add_flag("-h,--human-readable", options.sizesForPeople, "With -l: sizes such as 3.1 KiB");
  command.add_flag("-R,--recursive", options.recursive, "Folders in folders, too");
}

void mkdirOptions(CLI::App& command, Options& options) {
  command.add_flag("-p,--parents", options.parents, "Missing parents are made; a folder that exists is fine");
}

void rmOptions(CLI::App& command, Options& options) {
  command.add_flag("-r,--recursive", options.recursive, "Folders with all that is in them");
}

// What stands behind the command's name is the command's, whatever it looks like.
void execOptions(CLI::App& command, Options& options) {
  command.remove_option(command.get_option("operands"));
  command.fallthrough(false);
  command.prefix_command();
  command.add_flag("-t,--terminal", options.execTerminal, "Run it on a terminal of its own");
  command.add_flag("-c,--shell", options.execShell, "The words are a command line for the server's shell");
  command.add_flag("-n,--no-input", options.execNoInput, "Do not send standard input");
  command.add_option("--encoding", options.execEncoding, "What the command writes; it is converted to UTF-8")
      ->type_name("NAME");
}

void pingOptions(CLI::App& command, Options& options) {
  command.add_flag("--tcp", options.pingTcp,
                   "Measure round trips to the server's echo over TCP, or to the echo that -s HOST:PORT names");
  command.add_flag("--udp", options.pingUdp, "The same over UDP, with the loss");
  command.add_option("-c,--count", options.pingCount, "How many (default 5)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
}

void discoverOptions(CLI::App& command, Options& options) {
  command
      .add_option_function<std::string>(
          "--wait", [&options](const std::string& text) { options.discoverWait = readWait(text); },
          "How long to listen for answers (default 1s)")
      ->type_name("TIME");
}

constexpr std::array kVerbs{
    Verb{"put", "put LOCAL... [HOST:DEST | -t REMOTE]", Operands::Sources, "Files and folders; - is standard input",
         "Store files and folders", putOptions, runPut},
    Verb{"get", "get REMOTE... [-o LOCAL]", Operands::Anywhere, "Files and folders on the server",
         "Fetch files and folders", getOptions, runGet},
    Verb{"ls", "ls [-l] [-h] [-R] [REMOTE...]", Operands::Names, "Folders or files; default: the root", "List a folder",
         lsOptions, runLs},
    Verb{"stat", "stat REMOTE...", Operands::Names, "Files or folders", "Show what is known of a file", noOptions,
         runStat},
    Verb{"sum", "sum [--digest NAME] REMOTE...", Operands::Names, "Files", "Show the digest of a file (default md5)",
         noOptions, runSum},
    Verb{"mkdir", "mkdir [-p] REMOTE...", Operands::Names, "Folders", "Make folders", mkdirOptions, runMkdir},
    Verb{"rm", "rm [-r] REMOTE...", Operands::Names, "Files or folders", "Remove files or folders", rmOptions, runRm},
    Verb{"mv", "mv FROM TO", Operands::Names, "The old and the new name; ending in / it is a folder",
         "Rename a file or folder", noOptions, runMv},
    Verb{"exec", "exec [-t] [-n] [--encoding NAME] NAME [ARGS...] | exec -c COMMAND...", Operands::Words,
         "The command, and what it gets", "Run a command on the server's side", execOptions, runExec},
    Verb{"discover", "discover [--wait TIME]", Operands::Words, "", "Find servers on the local network",
         discoverOptions, runDiscover},
    Verb{"keygen", "keygen [FILE]", Operands::Words, "The file of the secret key; FILE.pub is the public one",
         "Make a key to log in with", noOptions, runKeygen},
    Verb{"ping", "ping [--tcp | --udp] [-c N]", Operands::Words, "", "Ask whether the server answers", pingOptions,
         runPing},
};

}  // namespace

std::span<const Verb> verbs() { return kVerbs; }

const Verb* findVerb(std::string_view name) {
  for (const Verb& verb : kVerbs) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

}  // namespace ft
