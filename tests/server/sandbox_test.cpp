// What a daemon that has confined itself can still do, in processes of their own.

#include "server/sandbox/sandbox.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "common/error.h"
#include "server/sandbox/system_calls.h"
#include "tests/support/temp_folder.h"

using namespace ft;

namespace {

// The number of the first check that fails in a process of its own, 0 when none does.
int firstFailure(const std::function<int()>& checks) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(checks());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool canRead(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

bool canMake(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

bool landlockIsThere() {
  return firstFailure([] {
           Sandbox sandbox({.mode = SandboxMode::BestEffort});
           sandbox.confine();
           return sandbox.text().find("landlock") != std::string::npos ? 0 : 1;
         }) == 0;
}

}  // namespace

TEST_CASE("a confined process reaches its own folders and nothing else") {
  if (!sandboxFitsBuild() || !landlockIsThere()) return;
  const testing::TempFolder mine, foreign;
  std::ofstream(mine.path().string() + "/there") << "x";
  std::ofstream(foreign.path().string() + "/secret") << "x";
  std::filesystem::create_directories(mine.path().string() + "/a");
  const int failed = firstFailure([&] {
    Sandbox sandbox({.mode = SandboxMode::Required, .serve = {mine.path().string()}});
    sandbox.confine();
    if (!canRead(mine.path().string() + "/there")) return 1;
    if (!canMake(mine.path().string() + "/new")) return 2;
    if (::rename((mine.path().string() + "/new").c_str(), (mine.path().string() + "/a/new").c_str()) != 0) return 3;
    if (canRead(foreign.path().string() + "/secret")) return 4;
    if (canMake(foreign.path().string() + "/new")) return 5;
    if (::link((mine.path().string() + "/there").c_str(), (foreign.path().string() + "/there").c_str()) == 0) return 6;
    if (::mknod((mine.path().string() + "/device").c_str(), S_IFCHR | 0600, 0x103) == 0) return 7;
    if (::execl("/bin/true", "true", nullptr) == 0) return 8;
    bool threadReads = true;
    std::thread([&] { threadReads = canRead(foreign.path().string() + "/secret"); }).join();
    return threadReads ? 9 : 0;
  });
  CHECK(failed == 0);
}

TEST_CASE("what is left for reading cannot be written, and what is left for a log cannot be read") {
  if (!sandboxFitsBuild() || !landlockIsThere()) return;
  const testing::TempFolder settings, logs;
  std::ofstream(settings.path().string() + "/f") << "x";
  std::ofstream(logs.path().string() + "/f") << "x";
  const int failed = firstFailure([&] {
    Sandbox sandbox(
        {.mode = SandboxMode::Required, .append = {logs.path().string()}, .read = {settings.path().string()}});
    sandbox.confine();
    if (!canRead(settings.path().string() + "/f")) return 1;
    if (canMake(settings.path().string() + "/new")) return 2;
    if (::open((settings.path().string() + "/f").c_str(), O_WRONLY) >= 0) return 3;
    if (!canMake(logs.path().string() + "/new")) return 4;
    if (canRead(logs.path().string() + "/f")) return 5;
    return ::unlink((logs.path().string() + "/f").c_str()) == 0 ? 6 : 0;
  });
  CHECK(failed == 0);
}

TEST_CASE("once the calls are closed no program, process, network socket or code can be made") {
  if (!sandboxFitsBuild()) return;
  const int failed = firstFailure([] {
    closeSystemCalls();
    char* const none[] = {nullptr};
    if (::execve("/bin/true", none, none) != -1 || errno != ENOSYS) return 1;
    if (::fork() != -1) return 2;
    if (::socket(AF_INET, SOCK_STREAM, 0) != -1) return 3;
    if (::socket(AF_UNIX, SOCK_STREAM, 0) < 0) return 4;
    if (::mmap(nullptr, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) return 5;
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return 6;
    if (::mprotect(page, 4096, PROT_READ | PROT_EXEC) != -1) return 7;
    if (::mprotect(page, 4096, PROT_READ) != 0) return 8;
    bool ran = false;
    std::thread([&] { ran = true; }).join();
    return ran ? 0 : 9;
  });
  CHECK(failed == 0);
}

TEST_CASE("a sandbox that is off gives nothing up and says so") {
  const int failed = firstFailure([] {
    Sandbox sandbox({.mode = SandboxMode::Off});
    sandbox.confine();
    sandbox.closeCalls();
    return sandbox.text() == "off" && canRead("/bin/true") ? 0 : 1;
  });
  CHECK(failed == 0);
}

TEST_CASE("a kernel whose Landlock is too old is told, or refused where the sandbox is required") {
  if (!sandboxFitsBuild()) return;
  const int failed = firstFailure([] {
    Sandbox some({.mode = SandboxMode::BestEffort, .mostLandlock = 1});
    some.confine();
    if (some.missing().find("landlock") == std::string::npos) return 1;
    if (some.text().find("landlock") != std::string::npos) return 2;
    Sandbox all({.mode = SandboxMode::Required, .mostLandlock = 1});
    try {
      all.confine();
      return 3;
    } catch (const ConfigError&) {
      return 0;
    }
  });
  CHECK(failed == 0);
}

TEST_CASE("the names of the modes read back") {
  for (const SandboxMode mode : {SandboxMode::Off, SandboxMode::BestEffort, SandboxMode::Required}) {
    CHECK(sandboxModeFromName(sandboxModeName(mode)) == mode);
  }
  CHECK_FALSE(sandboxModeFromName("on"));
}
