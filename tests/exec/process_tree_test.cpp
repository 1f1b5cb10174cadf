#include "exec/process_tree.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "tests/support/temp_folder.h"

using namespace ft;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

// A folder with the files of proc(5) that are looked at.
struct Machine {
  testing::TempFolder folder;
  ProcessTable table{folder.path()};

  void thread(pid_t process, pid_t number, const std::string& children) const {
    const fs::path task = folder.path() / std::to_string(process) / "task" / std::to_string(number);
    fs::create_directories(task);
    std::ofstream(task / "children") << children;
  }
};

// Waits for nothing but a signal; TERM only ends it when it listens.
pid_t startSleeper(bool listens) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::signal(SIGTERM, listens ? SIG_DFL : SIG_IGN);
  ::setpgid(0, 0);
  ::alarm(600);
  for (;;) ::pause();
}

// Both sides set the group, so that it is there when the test goes on.
pid_t startGroup(bool listens) {
  const auto before = ::signal(SIGTERM, listens ? SIG_DFL : SIG_IGN);
  const pid_t child = startSleeper(listens);
  ::signal(SIGTERM, before);
  REQUIRE(child > 0);
  ::setpgid(child, child);
  return child;
}

}  // namespace

TEST_CASE("the children of all threads of a process are found") {
  const Machine machine;
  machine.thread(10, 10, "11 12 ");
  machine.thread(10, 19, "13 ");
  machine.thread(11, 11, "");
  std::vector<pid_t> children = machine.table.childrenOf(10);
  std::sort(children.begin(), children.end());
  CHECK(children == std::vector<pid_t>{11, 12, 13});
  CHECK(machine.table.childrenOf(11).empty());
  CHECK(machine.table.childrenOf(99).empty());
}

TEST_CASE("descendants are counted at any depth, and no further than asked for") {
  const Machine machine;
  machine.thread(1, 1, "10 50 ");
  machine.thread(10, 10, "11 12 ");
  machine.thread(12, 12, "13 ");
  machine.thread(13, 13, "14 15 16 ");
  machine.thread(50, 50, "51 ");
  CHECK(machine.table.countDescendants(10, 1000) == 6);
  CHECK(machine.table.countDescendants(1, 1000) == 9);
  CHECK(machine.table.countDescendants(16, 1000) == 0);
  for (std::size_t most = 0; most < 9; ++most) CHECK(machine.table.countDescendants(1, most) == most);
}

TEST_CASE("what is no process, and what has ended meanwhile, is passed over") {
  const Machine machine;
  machine.thread(10, 10, "11 12 ");
  machine.thread(12, 12, "");
  fs::create_directories(machine.folder.path() / "10" / "task" / "20x");
  fs::create_directories(machine.folder.path() / "11x" / "task" / "1");
  fs::create_directories(machine.folder.path() / "self" / "task" / "1");
  CHECK(machine.table.childrenOf(10) == std::vector<pid_t>{11, 12});
  CHECK(machine.table.countDescendants(10, 1000) == 2);
  CHECK(machine.table.countTasksOfUser(::getuid()) == 2);
}

TEST_CASE("a user's tasks are the threads of the user's processes") {
  const Machine machine;
  for (const pid_t thread : {10, 11, 12}) machine.thread(10, thread, "");
  machine.thread(20, 20, "");
  CHECK(machine.table.countTasksOfUser(::getuid()) == 4);
  CHECK(machine.table.countTasksOfUser(::getuid() + 1) == 0);
}

TEST_CASE("a machine without /proc has no processes, and this one has this process") {
  const ProcessTable none("/nonexistent");
  CHECK(none.childrenOf(1).empty());
  CHECK(none.countDescendants(1, 10) == 0);
  CHECK(none.countTasksOfUser(0) == 0);
  CHECK(ProcessTable().countTasksOfUser(::getuid()) > 0);
}

TEST_CASE("a group that ends when it is asked to has its time, and its first process's status is told") {
  const pid_t group = startGroup(true);
  std::optional<int> status;
  CHECK(ProcessTable().childrenOf(::getpid()) == std::vector<pid_t>{group});
  CHECK_FALSE(reapDescendants(group, status));
  CHECK(endDescendants(group, 120s, status));
  REQUIRE(status);
  CHECK(WTERMSIG(*status) == SIGTERM);
}

TEST_CASE("what does not listen is killed, in the group and outside of it") {
  const pid_t group = startGroup(false);
  const pid_t other = startGroup(false);
  std::optional<int> status;
  CHECK(endDescendants(group, 1ms, status));
  REQUIRE(status);
  CHECK(WTERMSIG(*status) == SIGKILL);
  CHECK(::kill(other, 0) != 0);
  CHECK(reapDescendants(group, status));
}

TEST_CASE("children that are to be kept are not killed") {
  const pid_t kept = startGroup(true);
  const pid_t gone = startGroup(true);
  killChildren([](pid_t child, const void* keep) { return child == *static_cast<const pid_t*>(keep); }, &kept);
  int status = 0;
  CHECK(::waitpid(gone, &status, 0) == gone);
  CHECK(::waitpid(kept, &status, WNOHANG) == 0);
  std::optional<int> ended;
  CHECK(endDescendants(kept, 0ms, ended));
}
