#include "exec/command_line.h"

#include <regex.h>

#include <algorithm>

#include "common/error.h"
#include "common/escape.h"

namespace ft {
namespace {

constexpr std::size_t kMaxArgSize = 4096;
constexpr std::size_t kMaxShellSize = 32 * 1024;
constexpr std::uint64_t kMaxTerminalSide = 1000;

// Before the command, on its line: the shell tells its folder in the end, so that `cd` holds for the session.
constexpr const char* kTellFolder = "trap 'pwd -P >&9' EXIT; ";

[[noreturn]] void refuse(const std::string& reason) { throw Failure(ErrorCode::BadRequest, reason); }

// `pattern` was compiled once already when the settings were read.
bool matches(const std::string& pattern, const std::string& text) {
  regex_t compiled;
  if (::regcomp(&compiled, pattern.c_str(), REG_EXTENDED) != 0) return false;
  regmatch_t match{};
  const int result = ::regexec(&compiled, text.c_str(), 1, &match, 0);
  ::regfree(&compiled);
  return result == 0 && match.rm_so == 0 && match.rm_eo == static_cast<regoff_t>(text.size());
}

void checkArgs(const ExecCommand& command, const std::vector<std::string>& args) {
  if (args.empty()) return;
  if (command.args.empty()) refuse("command '" + command.name + "' takes no arguments");
  if (args.size() > command.maxArgs) {
    refuse("command '" + command.name + "' takes " + std::to_string(command.maxArgs) + " arguments at most");
  }
  for (const std::string& arg : args) {
    if (arg.size() > kMaxArgSize) refuse("an argument is longer than " + std::to_string(kMaxArgSize) + " bytes");
    if (arg.find_first_of(std::string("\0\n\r", 3)) != std::string::npos)
      refuse("an argument holds a line break or NUL");
    if (!matches(command.args, arg)) {
      throw Failure(ErrorCode::Forbidden,
                    "argument '" + escapeText(arg, 80) + "' is not one that command '" + command.name + "' takes");
    }
  }
}

std::string withRoot(std::string word, const std::string& root) {
  constexpr std::string_view kMark = "{root}";
  for (std::size_t at = word.find(kMark); at != std::string::npos; at = word.find(kMark, at + root.size())) {
    word.replace(at, kMark.size(), root);
  }
  return word;
}

std::vector<std::string> fillIn(const ExecCommand& command, const std::vector<std::string>& args,
                                const std::string& root) {
  std::vector<std::string> argv;
  bool placed = false;
  for (const std::string& word : command.run) {
    if (word == "{args}") {
      argv.insert(argv.end(), args.begin(), args.end());
      placed = true;
    } else {
      argv.push_back(withRoot(word, root));
    }
  }
  if (!placed) argv.insert(argv.end(), args.begin(), args.end());
  return argv;
}

std::vector<std::string> environmentOf(const ExecUser& user, const std::vector<std::string>& more, bool terminal) {
  std::vector<std::string> variables{"PATH=/usr/local/bin:/usr/bin:/bin",
                                     "HOME=" + user.home,
                                     "USER=" + user.name,
                                     "LOGNAME=" + user.name,
                                     "SHELL=/bin/sh",
                                     "LANG=C.UTF-8"};
  if (terminal) variables.emplace_back("TERM=xterm");
  for (const std::string& variable : more) {
    const std::string name = variable.substr(0, variable.find('=') + 1);
    std::erase_if(variables, [&](const std::string& other) { return other.starts_with(name); });
    variables.push_back(variable);
  }
  return variables;
}

// A limit of the command that differs from that of all was set for it alone.
void nameRules(ExecPlan& plan, const ExecSettings& settings, const ExecCommand* command) {
  const auto rule = [&](bool isCommon, const std::string& key) {
    return "[exec" + (isCommon || command == nullptr ? "" : "." + command->name) + "] " + key;
  };
  plan.outputRule = rule(plan.limits.output == settings.limits.output, "output");
  plan.timeRule = rule(plan.limits.time == settings.limits.time, "time");
  plan.processesRule = rule(plan.limits.processes == settings.limits.processes, "processes");
}

ExecPlan planShell(const ExecSettings& settings, const std::string& command) {
  if (!settings.shell) throw Failure(ErrorCode::Forbidden, "shell commands are off (exec.mode)");
  if (command.size() > kMaxShellSize || command.find('\0') != std::string::npos) {
    refuse("a shell command has " + std::to_string(kMaxShellSize) + " bytes at most and no NUL");
  }
  ExecPlan plan;
  plan.argv = {"/bin/sh", "-c", kTellFolder + command};
  plan.environment = settings.environment;
  plan.encoding = settings.encoding;
  plan.limits = settings.limits;
  plan.keepsFolder = true;
  nameRules(plan, settings, nullptr);
  return plan;
}

ExecPlan planNamed(const ExecSettings& settings, const std::string& name, const std::vector<std::string>& args) {
  const ExecCommand* const command = settings.find(name);
  if (command == nullptr)
    throw Failure(ErrorCode::NotFound, "command '" + escapeText(name, 80) + "' is not configured");
  checkArgs(*command, args);
  ExecPlan plan;
  plan.argv = fillIn(*command, args, settings.root);
  plan.environment = command->environment;
  plan.folder = command->folder;
  plan.encoding = command->encoding;
  plan.limits = command->limits;
  nameRules(plan, settings, command);
  return plan;
}

unsigned short side(const std::optional<std::uint64_t>& wanted, unsigned short otherwise) {
  return static_cast<unsigned short>(std::clamp<std::uint64_t>(wanted.value_or(otherwise), 1, kMaxTerminalSide));
}

}  // namespace

ExecPlan planCommand(const ExecSettings& settings, const ExecUser& user, const Header& request) {
  if (request.shell.has_value() == request.name.has_value()) refuse("exec needs either 'name' or 'shell'");
  ExecPlan plan = request.shell ? planShell(settings, *request.shell)
                                : planNamed(settings, *request.name, request.args.value_or(std::vector<std::string>()));
  plan.input = request.input.value_or(false);
  plan.terminal = request.terminal.value_or(false);
  plan.environment = environmentOf(user, plan.environment, plan.terminal);
  plan.rows = side(request.rows, plan.rows);
  plan.columns = side(request.columns, plan.columns);
  if (request.limit && *request.limit < plan.limits.output) {
    plan.limits.output = *request.limit;
    plan.outputRule = kOwnOutputLimit;
  }
  return plan;
}

}  // namespace ft
