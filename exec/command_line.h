#pragma once
// From a client's request to what is executed: looks the command up, checks the arguments, fills the template in. No
// shell sees an argument.

#include <string>
#include <vector>

#include "common/exec_settings.h"
#include "common/header.h"

namespace ft {

// The user that commands run as.
struct ExecUser {
  std::string name;
  std::string home;
  unsigned int uid = 0;
  unsigned int gid = 0;
  bool change = false;  // from another one: the process has to become this user
};

struct ExecPlan {
  std::vector<std::string> argv;         // argv[0] is the path of the program
  std::vector<std::string> environment;  // all of it: nothing is inherited
  std::string folder;                    // to begin in; empty: where the session is
  std::string encoding;
  ExecLimits limits;
  // What sets them, for messages: "[exec] output".
  std::string outputRule, timeRule, processesRule;
  bool input = false;  // the client sends standard input; without, it is empty
  bool terminal = false;
  bool keepsFolder = false;  // a shell command: descriptor kFolderFd takes the path of the folder that it ends in
  unsigned short rows = 24;
  unsigned short columns = 80;
};

// Where a shell command tells the folder that it ends in.
inline constexpr int kFolderFd = 9;

// Throws Failure: NotFound (no such command), Forbidden (shell commands are off, an argument that the command's pattern
// refuses), BadRequest (other faults of arguments).
ExecPlan planCommand(const ExecSettings& settings, const ExecUser& user, const Header& request);

}  // namespace ft
