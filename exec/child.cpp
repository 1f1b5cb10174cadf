#include "exec/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/escape.h"
#include "exec/process_tree.h"

namespace ft {
namespace {

constexpr int kPipeSize = 1024 * 1024;
constexpr rlim_t kOpenFiles = 1024;

struct Pipe {
  UniqueFd read, write;
};

// The other ends of the child's descriptors, and what it tells when it fails. All are above kFolderFd.
struct ChildEnds {
  UniqueFd input, output, errors, folder, failure;
};

[[noreturn]] void throwErrno(const std::string& what) { throw failureFromErrno(errno, what); }

// Above the numbers that the child will use.
UniqueFd lifted(const UniqueFd& low, const std::string& what) {
  UniqueFd high(::fcntl(low.get(), F_DUPFD_CLOEXEC, kFolderFd + 1));
  if (!high) throwErrno(what);
  return high;
}

Pipe makePipe() {
  const std::string what = "a command's pipe";
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throwErrno(what);
  const UniqueFd read(ends[0]), write(ends[1]);
  Pipe pipe{lifted(read, what), lifted(write, what)};
  ::fcntl(pipe.write.get(), F_SETPIPE_SZ, kPipeSize);  // may be refused: smaller is only slower
  return pipe;
}

UniqueFd openNull() {
  const std::string what = "/dev/null";
  const UniqueFd null(::open(what.c_str(), O_RDWR | O_CLOEXEC));
  if (!null) throwErrno(what);
  return lifted(null, what);
}

void makeNonBlocking(const UniqueFd& fd) {
  if (fd) ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

void connectPipes(const ExecPlan& plan, Child& child, ChildEnds& ends) {
  if (plan.input) {
    Pipe input = makePipe();
    child.input = std::move(input.write);
    ends.input = std::move(input.read);
  } else {
    ends.input = openNull();
  }
  Pipe output = makePipe();
  child.output = std::move(output.read);
  ends.output = std::move(output.write);
  Pipe errors = makePipe();
  child.errors = std::move(errors.read);
  ends.errors = std::move(errors.write);
}

// One pseudo-terminal for all three; the child opens its side itself, so that it becomes its controlling terminal.
void connectTerminal(const ExecPlan& plan, Child& child, ChildEnds& ends) {
  const std::string what = "a terminal";
  const UniqueFd main(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!main || ::grantpt(main.get()) != 0 || ::unlockpt(main.get()) != 0) throwErrno(what);
  child.output = lifted(main, what);
  std::array<char, 128> name{};
  if (const int error = ::ptsname_r(main.get(), name.data(), name.size()); error != 0)
    throw failureFromErrno(error, what);
  const UniqueFd side(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!side) throwErrno(what);
  ends.input = lifted(side, what);
  winsize size{};
  size.ws_row = plan.rows;
  size.ws_col = plan.columns;
  ::ioctl(main.get(), TIOCSWINSZ, &size);
  child.input = lifted(main, what);
}

void limit(__rlimit_resource resource, rlim_t value) {
  rlimit now{};
  ::getrlimit(resource, &now);
  now.rlim_max = std::min(now.rlim_max, value);
  now.rlim_cur = now.rlim_max;
  ::setrlimit(resource, &now);
}

void applyLimits(const ExecLimits& limits, rlim_t userProcesses) {
  if (limits.memory > 0) limit(RLIMIT_AS, limits.memory);
  if (limits.time.count() > 0) limit(RLIMIT_CPU, static_cast<rlim_t>(limits.time.count() / 1000 + 1));
  if (userProcesses > 0) limit(RLIMIT_NPROC, userProcesses);
  limit(RLIMIT_NOFILE, kOpenFiles);
  limit(RLIMIT_CORE, 0);
}

void resetSignals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What execve takes, made before the fork: nothing may be allocated after it.
class Words {
 public:
  explicit Words(const std::vector<std::string>& words) : words_(words) {
    for (std::string& word : words_) pointers_.push_back(word.data());
    pointers_.push_back(nullptr);
  }
  char* const* data() const { return pointers_.data(); }

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

struct Launch {
  const ExecPlan& plan;
  const ChildEnds& ends;
  const Words argv;
  const Words environment;
  const rlim_t userProcesses;
  const pid_t parent;
};

// In the child. Returns only when it could not: errno tells.
void becomeCommand(const Launch& launch) {
  const ChildEnds& ends = launch.ends;
  ::setsid();
  resetSignals();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != launch.parent) ::_exit(1);
  if (launch.plan.terminal && ::ioctl(ends.input.get(), TIOCSCTTY, 0) != 0) return;
  if (::dup2(ends.input.get(), STDIN_FILENO) < 0) return;
  if (::dup2(ends.output ? ends.output.get() : ends.input.get(), STDOUT_FILENO) < 0) return;
  if (::dup2(ends.errors ? ends.errors.get() : ends.input.get(), STDERR_FILENO) < 0) return;
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return;
  if (ends.folder && ::dup2(ends.folder.get(), kFolderFd) < 0) return;
  if (!launch.plan.folder.empty() && ::chdir(launch.plan.folder.c_str()) != 0) return;
  ::umask(022);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  applyLimits(launch.plan.limits, launch.userProcesses);
  ::execve(launch.plan.argv.front().c_str(), launch.argv.data(), launch.environment.data());
}

// The errno that the child told, or 0 when it became the command.
int awaitStart(const UniqueFd& failure) {
  int error = 0;
  ssize_t n = 0;
  do n = ::read(failure.get(), &error, sizeof error);
  while (n < 0 && errno == EINTR);
  return n == sizeof error ? error : 0;
}

}  // namespace

Child startChild(const ExecPlan& plan) {
  Child child;
  ChildEnds ends;
  if (plan.terminal) {
    connectTerminal(plan, child, ends);
  } else {
    connectPipes(plan, child, ends);
  }
  if (plan.keepsFolder) {
    Pipe folder = makePipe();
    child.folder = std::move(folder.read);
    ends.folder = std::move(folder.write);
  }
  Pipe failure = makePipe();
  ends.failure = std::move(failure.write);
  // The kernel counts a user's processes, not a command's, and not at all for root: its limit only bounds what a bomb
  // can do until the keeper, which counts the command's own, ends it. Hence the room above what is permitted.
  const rlim_t room = 2 * plan.limits.processes;
  const rlim_t userProcesses = ::getuid() == 0 || room == 0 ? 0 : ProcessTable().countTasksOfUser(::getuid()) + room;
  const Launch launch{plan, ends, Words(plan.argv), Words(plan.environment), userProcesses, ::getpid()};
  child.pid = ::fork();
  if (child.pid < 0) throwErrno("a new process");
  if (child.pid == 0) {
    becomeCommand(launch);
    const int error = errno;
    const ssize_t told = ::write(ends.failure.get(), &error, sizeof error);
    ::_exit(told == sizeof error ? 127 : 126);
  }
  ends = ChildEnds();
  if (const int error = awaitStart(failure.read); error != 0) {
    ::waitpid(child.pid, nullptr, 0);
    throw failureFromErrno(error, escapeText(plan.argv.front(), 200));
  }
  for (const UniqueFd* fd : {&child.input, &child.output, &child.errors, &child.folder}) makeNonBlocking(*fd);
  return child;
}

}  // namespace ft
