#pragma once
// The processes below this one. This process must be a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER), so that a process
// that leaves its parent, its group and its session comes here and nowhere else.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ft {

// The processes of the machine as proc(5) tells them. What ends while it is looked at is passed over.
class ProcessTable {
 public:
  explicit ProcessTable(std::string folder = "/proc") : folder_(std::move(folder)) {}

  std::vector<pid_t> childrenOf(pid_t pid) const;
  // How many processes there are below `pid`, counted up to `most`.
  std::size_t countDescendants(pid_t pid, std::size_t most) const;
  // How many tasks (threads) the user has, as RLIMIT_NPROC counts them.
  std::size_t countTasksOfUser(uid_t user) const;

 private:
  const std::string folder_;
};

// Ends every process below this one: asks the group `group` first, and kills what is left after `grace`. `status` takes
// the exit status of process `group` if it ends here. True when nothing is left, which takes at most `grace` and two
// seconds.
bool endDescendants(pid_t group, std::chrono::milliseconds grace, std::optional<int>& status);

// Reaps what has ended. True when there is no process below this one any more.
bool reapDescendants(pid_t group, std::optional<int>& status);

// Kills the children of this process that `keep` does not hold back.
void killChildren(bool (*keep)(pid_t, const void*), const void* context);

}  // namespace ft
