// The beginning and the end of ftpd-exec, as the daemon sees them.

#include "server/services/exec_link.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cerrno>
#include <fstream>

#include "common/error.h"
#include "tests/support/temp_folder.h"

using namespace ft;
using namespace std::chrono_literals;

namespace {

constexpr EndTimes kAtOnce{0ms, 0ms};
constexpr EndTimes kPatient{120'000ms, 120'000ms};

int refuseToKill(pid_t, int) {
  errno = EPERM;
  return -1;
}

// A child that ends when it is killed, or with this process.
pid_t sleepingChild() {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::alarm(600);
  for (;;) ::pause();
}

// What a shell script does in the place of ftpd-exec.
ServicesConfig running(const testing::TempFolder& folder, const std::string& script) {
  ServicesConfig config;
  config.exec.program = folder.path() / "program";
  std::ofstream(config.exec.program) << "#!/bin/sh\n" << script << "\n";
  std::filesystem::permissions(config.exec.program, std::filesystem::perms::owner_all);
  return config;
}

}  // namespace

TEST_CASE("a child that may not be killed is given up, and one that may is reaped") {
  const pid_t child = sleepingChild();
  REQUIRE(child > 0);
  CHECK_FALSE(awaitEnd(child, kAtOnce, refuseToKill));
  CHECK(awaitEnd(child, {0ms, 120'000ms}));
  CHECK(::waitpid(child, nullptr, WNOHANG) < 0);
}

TEST_CASE("a child that ends by itself is reaped and not killed") {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  REQUIRE(child > 0);
  CHECK(awaitEnd(child, kPatient, refuseToKill));
  CHECK(awaitEnd(child, kAtOnce, refuseToKill));
}

TEST_CASE("signals while ftpd-exec starts do not make its start a failure") {
  const testing::TempFolder folder;
  Log log(LogLevel::Error, LogFormat::Text);
  struct sigaction quiet {
  }, before{};
  quiet.sa_handler = [](int) {};
  REQUIRE(::sigaction(SIGUSR1, &quiet, &before) == 0);
  const ServicesConfig config =
      running(folder, "for i in 1 2 3 4 5 6 7 8; do kill -USR1 $PPID; done; printf r >&3; read end <&3");
  CHECK_NOTHROW(ExecLink(config, log));
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("a program that ends or says nothing is no ftpd-exec") {
  const testing::TempFolder folder;
  Log log(LogLevel::Error, LogFormat::Text);
  CHECK_THROWS_AS(ExecLink(running(folder, "exit 3"), log), ConfigError);
  CHECK_THROWS_AS(ExecLink(running(folder, "exec 3>&-; read end </dev/null"), log), ConfigError);
}
