#pragma once
// Starts one command: in a session and process group of its own, with limits, an environment of its own, and nothing
// inherited but its three standard descriptors (and kFolderFd for shell commands).

#include <sys/types.h>

#include "common/unique_fd.h"
#include "exec/command_line.h"

namespace ft {

struct Child {
  pid_t pid = -1;   // of its process group too
  UniqueFd input;   // non-blocking; none when it has no input
  UniqueFd output;  // non-blocking
  UniqueFd errors;  // non-blocking; none on a terminal, where output holds both
  UniqueFd folder;  // non-blocking; none unless plan.keepsFolder
};

// Throws Failure when the program cannot be executed.
Child startChild(const ExecPlan& plan);

}  // namespace ft
