#include "exec/child.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "common/error.h"
#include "tests/support/temp_folder.h"

using namespace ft;

namespace {

namespace fs = std::filesystem;

ExecPlan planOf(const std::vector<std::string>& argv) {
  ExecPlan plan;
  plan.argv = argv;
  plan.environment = {"PATH=/usr/bin:/bin"};
  return plan;
}

ExecPlan shellPlan(const std::string& command) { return planOf({"/bin/sh", "-c", command}); }

std::set<std::string> openDescriptors() {
  std::set<std::string> open;
  const fs::path folder = "/proc/self/fd";
  // Without the one that lists them.
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::error_code error;
    if (fs::read_symlink(entry.path(), error).string().find("/fd") == std::string::npos) open.insert(entry.path());
  }
  return open;
}

int statusOf(const Child& child) {
  int status = 0;
  REQUIRE(::waitpid(child.pid, &status, 0) == child.pid);
  return status;
}

std::string allOf(const UniqueFd& from) {
  ::fcntl(from.get(), F_SETFL, 0);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(from.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

ErrorCode refusalOf(const ExecPlan& plan) {
  try {
    startChild(plan);
  } catch (const Failure& failure) {
    return failure.code();
  }
  FAIL("the command was started");
  return ErrorCode::Internal;
}

// Room for few descriptors above those that a command uses.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = kFolderFd + 2 + count;
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("outputs, the folder and the exit code of a command come back, and its input reaches it") {
  const std::set<std::string> before = openDescriptors();
  {
    ExecPlan plan = shellPlan("read line; echo out $line; echo err >&2; echo folder >&9; exit 3");
    plan.input = true;
    plan.keepsFolder = true;
    Child child = startChild(plan);
    CHECK(::write(child.input.get(), "in\n", 3) == 3);
    CHECK(allOf(child.output) == "out in\n");
    CHECK(allOf(child.errors) == "err\n");
    CHECK(allOf(child.folder) == "folder\n");
    CHECK(WEXITSTATUS(statusOf(child)) == 3);
  }
  CHECK(openDescriptors() == before);
}

TEST_CASE("a command has its three descriptors and no other") {
  const UniqueFd secret(::open("/dev/zero", O_RDONLY));
  const Child child = startChild(shellPlan("ls /proc/$$/fd; true"));
  CHECK(allOf(child.output) == "0\n1\n2\n");
  CHECK(allOf(child.errors).empty());
  CHECK(statusOf(child) == 0);
}

TEST_CASE("a program that cannot be executed is told with its reason, and leaves nothing") {
  const testing::TempFolder folder;
  const std::string text = folder.path() / "text";
  std::ofstream(text) << "no program";
  const std::set<std::string> before = openDescriptors();
  for (const bool terminal : {false, true}) {
    CAPTURE(terminal);
    for (const auto& [program, code] : {std::pair<std::string, ErrorCode>{"/no/such/program", ErrorCode::NotFound},
                                        {text, ErrorCode::Forbidden},
                                        {text + "/below", ErrorCode::NotDirectory}}) {
      ExecPlan plan = planOf({program});
      CAPTURE(plan.argv.front());
      plan.terminal = terminal;
      plan.input = true;
      plan.keepsFolder = true;
      CHECK(refusalOf(plan) == code);
    }
  }
  CHECK(openDescriptors() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) < 0);
}

TEST_CASE("a folder that is gone is a refusal") {
  ExecPlan plan = shellPlan("true");
  plan.folder = "/no/such/folder";
  CHECK(refusalOf(plan) == ErrorCode::NotFound);
}

TEST_CASE("with too few descriptors, however many, a command is refused and none is left open") {
  for (const bool terminal : {false, true}) {
    CAPTURE(terminal);
    ExecPlan plan = shellPlan("true");
    plan.terminal = terminal;
    plan.input = true;
    plan.keepsFolder = true;
    const std::set<std::string> before = openDescriptors();
    bool started = false;
    for (rlim_t count = 0; !started && count < 64; ++count) {
      CAPTURE(count);
      try {
        const FewDescriptors now(count);
        const Child child = startChild(plan);
        started = true;
        CHECK(statusOf(child) == 0);
      } catch (const Failure& failure) {
        CHECK(std::string(failure.what()).find("Too many open files") != std::string::npos);
      }
      REQUIRE(openDescriptors() == before);
    }
    CHECK(started);
  }
}

TEST_CASE("a terminal is one for all three, of the size that was asked for") {
  ExecPlan plan = shellPlan("stty size; tty");
  plan.terminal = true;
  plan.input = true;
  plan.rows = 11;
  plan.columns = 22;
  const Child child = startChild(plan);
  CHECK_FALSE(child.errors);
  const std::string text = allOf(child.output);
  CHECK(text.starts_with("11 22\r\n/dev/pts/"));
  CHECK(statusOf(child) == 0);
}
