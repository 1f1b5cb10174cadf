#pragma once
// The rules for commands that are run for clients ([exec] and [exec.NAME] of the configuration). ftpd reads them to
// check them and to hand them on; ftpd-exec, which runs the commands, holds itself to them and trusts nobody else's
// word.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ini_file.h"

namespace ft {

// From where a command may be asked for.
enum class ExecPeers { Loopback, Private, Any };

struct ExecLimits {
  std::chrono::milliseconds time{0};              // 0: as long as the client stays
  std::uint64_t memory = std::uint64_t{2} << 30;  // bytes of address space of each process; 0: no limit
  std::uint64_t output = std::uint64_t{1} << 30;  // bytes of standard output and standard error together
  std::uint64_t processes = 64;                   // at the same time
};

// How messages name an output limit that the request itself has, and no setting.
inline constexpr std::string_view kOwnOutputLimit = "the request's own 'limit'";

struct ExecCommand {
  std::string name;
  // The program and its arguments; {root} stands for the root of the files, {args} for the client's arguments.
  std::vector<std::string> run;
  // Extended regular expression (POSIX) that each argument must match as a whole; empty: no arguments.
  std::string args;
  std::uint64_t maxArgs = 16;
  ExecPeers from = ExecPeers::Loopback;
  ExecLimits limits;
  std::string folder;    // where it begins; empty: the folder of the session
  std::string encoding;  // of what it writes, for the client's information
  std::vector<std::string> environment;
};

struct ExecSettings {
  bool shell = false;            // free shell commands, over loopback and Unix sockets
  std::string user;              // whom commands run as, when ftpd-exec is privileged; empty: ftpd-exec's own user
  std::string peerUser;          // who may connect to ftpd-exec's socket beside its own user and root
  std::string socket;            // where ftpd-exec listens; empty: ftpd starts one of its own
  std::string program;           // path of ftpd-exec; empty: beside ftpd
  std::string root;              // what {root} stands for
  std::uint64_t sessions = 128;  // at the same time
  ExecPeers from = ExecPeers::Loopback;
  ExecLimits limits;
  std::string encoding;
  std::vector<std::string> environment;
  std::vector<ExecCommand> commands;

  const ExecCommand* find(std::string_view name) const;
};

// Does the section belong to this file? "exec" and "exec.NAME".
bool isExecSection(std::string_view section);
// The keys of such a section, for messages and the check of names.
std::vector<std::string_view> execKeys(std::string_view section);

// What is wrong, and with which of the entries (the first one of a command when it is about all of it).
struct ExecFault {
  std::size_t entry = 0;
  std::string reason;
};

// The settings of those entries that stand in such sections; a key of [exec] is the default of all commands wherever it
// stands. `root` is what {root} stands for. Faults are appended; settings with faults are not to be used.
ExecSettings readExecSettings(const std::vector<IniEntry>& entries, const std::string& root,
                              std::vector<ExecFault>& faults);

// The words of a command line: separated by white space; '…' and "…" hold white space. nullopt when a quotation mark is
// not closed.
std::optional<std::vector<std::string>> splitWords(std::string_view text);

}  // namespace ft
