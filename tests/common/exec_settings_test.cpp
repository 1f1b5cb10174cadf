#include "common/exec_settings.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace ft;

namespace {

ExecSettings read(const std::string& text, std::vector<ExecFault>& faults) {
  return readExecSettings(parseIni(text, "test"), "/srv/files", faults);
}

ExecSettings good(const std::string& text) {
  std::vector<ExecFault> faults;
  ExecSettings settings = read(text, faults);
  CHECK(faults.empty());
  return settings;
}

std::string firstFault(const std::string& text) {
  std::vector<ExecFault> faults;
  read(text, faults);
  return faults.empty() ? "" : faults.front().reason;
}

}  // namespace

TEST_CASE("without a section nothing may be run") {
  const ExecSettings settings = good("[server]\nlisten = 127.0.0.1:1\n");
  CHECK_FALSE(settings.shell);
  CHECK(settings.commands.empty());
  CHECK(settings.find("df") == nullptr);
}

TEST_CASE("a command has what its section says and, for the rest, what [exec] says, wherever that stands") {
  const ExecSettings settings = good(
      "[exec.df]\nrun = /bin/df -h {root}\nargs = -[hik]\nmax_args = 2\ntime = 5s\nfrom = any\n"
      "[exec]\ntime = 1m\nmemory = 1MiB\noutput = 2KiB\nprocesses = 3\nfrom = private\nencoding = GBK\nenvironment = "
      "A=1 'B=x y'\n"
      "[exec.up]\nrun = /usr/bin/uptime\n");
  const ExecCommand* const df = settings.find("df");
  REQUIRE(df != nullptr);
  CHECK(df->run == std::vector<std::string>{"/bin/df", "-h", "{root}"});
  CHECK(df->args == "-[hik]");
  CHECK(df->maxArgs == 2);
  CHECK(df->limits.time == std::chrono::seconds(5));
  CHECK(df->from == ExecPeers::Any);
  const ExecCommand* const up = settings.find("up");
  REQUIRE(up != nullptr);
  CHECK(up->limits.time == std::chrono::minutes(1));
  CHECK(up->limits.memory == 1 << 20);
  CHECK(up->limits.output == 2048);
  CHECK(up->limits.processes == 3);
  CHECK(up->from == ExecPeers::Private);
  CHECK(up->encoding == "GBK");
  CHECK(up->environment == std::vector<std::string>{"A=1", "B=x y"});
}

TEST_CASE("faults name the key, the value and what was expected") {
  CHECK(firstFault("[exec]\nmode = free\n") == "'mode' must be named or shell, not 'free'");
  CHECK(firstFault("[exec]\nuse = x\n") == "unknown key 'use' in [exec]; did you mean 'user'?");
  CHECK(firstFault("[exec]\nrun = /bin/df\n").starts_with("unknown key 'run' in [exec]"));
  CHECK(firstFault("[exec.df]\nrun = df -h\n").starts_with("'run' must be the absolute path of a program"));
  CHECK(firstFault("[exec.df]\nrun = ''\n").starts_with("'run' must be"));
  CHECK(firstFault("[exec.df]\nrun = /bin/df 'x\n").starts_with("'run' must be"));
  CHECK(firstFault("[exec.df]\ntime = 5s\n") == "[exec.df] needs 'run'");
  CHECK(
      firstFault("[exec.df]\nrun = /bin/df\nargs = [a\n").starts_with("'args' must be an extended regular expression"));
  CHECK(firstFault("[exec.df]\nrun = /bin/df\nmax_args = many\n").starts_with("'max_args' must be a number"));
  CHECK(firstFault("[exec]\nenvironment = =x\n").starts_with("'environment' must be NAME=VALUE"));
  CHECK(firstFault("[exec]\nsocket = relative\n") == "'socket' must be an absolute path, not 'relative'");
}

TEST_CASE("words are separated by white space, and quotation marks hold it") {
  CHECK(splitWords("  a  b\tc ") == std::vector<std::string>{"a", "b", "c"});
  CHECK(splitWords("'a b' \"c 'd'\" e''f ''") == std::vector<std::string>{"a b", "c 'd'", "ef", ""});
  CHECK(splitWords("") == std::vector<std::string>{});
  CHECK_FALSE(splitWords("'a b").has_value());
}
