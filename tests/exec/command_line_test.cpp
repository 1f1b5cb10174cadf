#include "exec/command_line.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/error.h"

using namespace ft;

namespace {

using Words = std::vector<std::string>;

ExecSettings settings() {
  ExecSettings all;
  all.root = "/srv/my files";
  ExecCommand df;
  df.name = "df";
  df.run = {"/bin/df", "--at={root}"};
  df.environment = {"LANG=de_DE.UTF-8", "X=1"};
  all.commands.push_back(df);
  ExecCommand list;
  list.name = "list";
  list.run = {"/bin/ls", "{args}", "--", "{root}"};
  list.args = "-[a-z]+|[^-/][^/]*";
  list.maxArgs = 3;
  list.limits.output = 1000;
  all.commands.push_back(list);
  return all;
}

const ExecUser kUser{"nobody", "/nowhere", 65534, 65534, false};

Header request(const std::string& name, const Words& args) {
  Header header;
  header.cmd = "exec";
  header.name = name;
  if (!args.empty()) header.args = args;
  return header;
}

ErrorCode codeOf(const ExecSettings& all, const Header& header) {
  try {
    planCommand(all, kUser, header);
  } catch (const Failure& failure) {
    return failure.code();
  }
  return ErrorCode::Internal;
}

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

TEST_CASE("the root replaces its mark inside a word and makes no new words") {
  CHECK(planCommand(settings(), kUser, request("df", {})).argv == Words{"/bin/df", "--at=/srv/my files"});
}

TEST_CASE("arguments stand where the template says, and are single words whatever bytes they hold") {
  const Words odd{"-l", "a b; rm -rf $HOME `x` | & > < * ' \"", "\xe4\xb8\xad"};
  CHECK(planCommand(settings(), kUser, request("list", odd)).argv ==
        Words{"/bin/ls", odd[0], odd[1], odd[2], "--", "/srv/my files"});
}

TEST_CASE("an argument must match as a whole and hold no line break") {
  for (const char* bad : {"-L", "-l/", "a/b"}) {
    CAPTURE(bad);
    CHECK(codeOf(settings(), request("list", {bad})) == ErrorCode::Forbidden);
  }
  for (const char* bad : {"x\n-l", "x\r"}) {
    CAPTURE(bad);
    CHECK(codeOf(settings(), request("list", {bad})) == ErrorCode::BadRequest);
  }
  CHECK(codeOf(settings(), request("list", {std::string("a\0b", 3)})) == ErrorCode::BadRequest);
  CHECK(codeOf(settings(), request("list", {std::string(5000, 'a')})) == ErrorCode::BadRequest);
  CHECK(codeOf(settings(), request("list", {"a", "b", "c", "d"})) == ErrorCode::BadRequest);
  CHECK(codeOf(settings(), request("df", {"-h"})) == ErrorCode::BadRequest);
}

TEST_CASE("what is not configured is not found, and shell commands are off by default") {
  CHECK(codeOf(settings(), request("rm", {})) == ErrorCode::NotFound);
  Header shell;
  shell.cmd = "exec";
  shell.shell = "true";
  CHECK(codeOf(settings(), shell) == ErrorCode::Forbidden);
  shell.name = "df";
  CHECK(codeOf(settings(), shell) == ErrorCode::BadRequest);
  CHECK(codeOf(settings(), Header()) == ErrorCode::BadRequest);
}

TEST_CASE("a shell command is one word of the shell's command line") {
  ExecSettings all = settings();
  all.shell = true;
  Header shell;
  shell.cmd = "exec";
  shell.shell = "echo 'a'; cd /tmp";
  const ExecPlan plan = planCommand(all, kUser, shell);
  REQUIRE(plan.argv.size() == 3);
  CHECK(plan.argv[0] == "/bin/sh");
  CHECK(plan.argv[2].ends_with("echo 'a'; cd /tmp"));
  CHECK(plan.keepsFolder);
  shell.shell = std::string(40'000, 'x');
  CHECK(codeOf(all, shell) == ErrorCode::BadRequest);
}

TEST_CASE("the environment is made anew, and the configuration's variables win") {
  const ExecPlan plan = planCommand(settings(), kUser, request("df", {}));
  CHECK(has(plan.environment, "HOME=/nowhere"));
  CHECK(has(plan.environment, "USER=nobody"));
  CHECK(has(plan.environment, "LANG=de_DE.UTF-8"));
  CHECK_FALSE(has(plan.environment, "LANG=C.UTF-8"));
  CHECK(has(plan.environment, "X=1"));
}

TEST_CASE("a client may narrow the limit of output but not widen it, and a terminal has a sane size") {
  Header header = request("list", {});
  header.limit = 10;
  CHECK(planCommand(settings(), kUser, header).limits.output == 10);
  header.limit = 5000;
  header.terminal = true;
  header.rows = 0;
  header.columns = 1'000'000;
  const ExecPlan plan = planCommand(settings(), kUser, header);
  CHECK(plan.limits.output == 1000);
  CHECK(plan.terminal);
  CHECK(plan.rows == 1);
  CHECK(plan.columns == 1000);
}

TEST_CASE("a limit is named by what sets it: the command's section, that of all, or the request") {
  const ExecPlan plain = planCommand(settings(), kUser, request("df", {}));
  CHECK(plain.outputRule == "[exec] output");
  CHECK(plain.timeRule == "[exec] time");
  CHECK(plain.processesRule == "[exec] processes");
  Header list = request("list", {});
  CHECK(planCommand(settings(), kUser, list).outputRule == "[exec.list] output");
  CHECK(planCommand(settings(), kUser, list).timeRule == "[exec] time");
  list.limit = 1000;
  CHECK(planCommand(settings(), kUser, list).outputRule == "[exec.list] output");
  list.limit = 999;
  CHECK(planCommand(settings(), kUser, list).outputRule == kOwnOutputLimit);
}
