#include "client/shell.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "client/command_line.h"
#include "client/connection/link.h"
#include "client/dialer.h"
#include "client/exit_code.h"
#include "client/failures.h"
#include "client/login/login.h"
#include "client/verbs/hints.h"
#include "client/verbs/operands.h"
#include "client/verbs/verbs.h"
#include "common/escape.h"
#include "common/units.h"

namespace ft {
namespace {

Link makeLink(const Options& options, Output& output, const StopRequest& stop) {
  LoginOptions how = options.login;
  how.mayBeKnown = !options.trust.certificate.empty() || !options.server.path.empty();
  Link::Ways ways;
  ways.connect = [&options, &stop, dialer = std::make_shared<Dialer>(options, stop),
                  login = std::make_shared<Login>(std::move(how))] {
    auto connection =
        std::make_unique<Connection>(dialer->dial(), stop, options.timeout, escapeText(options.server.text()));
    login->begin(*connection);
    return connection;
  };
  ways.pause = [&stop](std::chrono::milliseconds time) { stop.pause(time); };
  ways.notice = [&output](const std::string& reason, std::chrono::milliseconds pause, int nextTry) {
    output.warned(reason + "; try " + std::to_string(nextTry) + " follows in " + formatDuration(pause));
  };
  return Link(std::move(ways), {options.retry, options.retryNamed}, stop);
}

bool isUnreachable(const std::exception& error) {
  const auto* const transport = dynamic_cast<const TransportError*>(&error);
  return transport != nullptr && transport->kind() == TransportError::Kind::Unreachable;
}

// The problem, and what helps a person who meets it for the first time.
Problem problemWithAdvice(const Options& options, const std::exception& error) {
  Problem problem = problemOf(error);
  if (problem.code == errorName(ErrorCode::Unauthenticated) && !options.login.wanted()) {
    problem.message += "; for example: ftpc --user NAME " + options.verb;
  }
  if (options.server.local() && isUnreachable(error)) problem.message += "; start one: ftpd --root DIR";
  return problem;
}

int runVerb(const Options& options, Output& output, const StopRequest& stop) {
  Link link = makeLink(options, output, stop);
  const Verb* verb = findVerb(options.verb);
  try {
    verb->run(VerbCall{options, link, output, stop});
  } catch (const Interrupted& error) {
    const Problem problem = problemOf(error);
    output.failed("", problem);
    return problem.exit;
  } catch (const std::exception& error) {
    const Problem problem = problemWithAdvice(options, error);
    output.failed("", problem);
    return problem.exit;
  }
  return output.exit();
}

int usageFailed(const std::vector<std::string>& arguments, const Console& console, const std::exception& error) {
  Output::Settings settings;
  settings.json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  Output output(console, std::move(settings));
  const Problem problem = problemOf(error);
  output.failed("", problem);
  return problem.exit;
}

}  // namespace

int runShell(const std::vector<std::string>& arguments, const Console& console, const Environment& environment,
             const StopRequest& stop) {
  CommandLine line;
  try {
    line = parseCommandLine(arguments, environment);
    if (const Verb* const verb = findVerb(line.options.verb)) {
      takeServer(*verb, line.options);
      takeDotsOff(*verb, line.options);
    }
  } catch (const std::exception& error) {
    return usageFailed(arguments, console, error);
  }
  if (line.text) {
    console.out << *line.text << std::flush;
    return 0;
  }
  const Options& options = line.options;
  const auto hint = [&options](const std::string& name, const Problem& problem, bool first) {
    return hintFor(options, name, problem, first);
  };
  Output output(console, {options.json, options.quiet, options.verbose, options.verb, options.server.text(), hint});
  return runVerb(options, output, stop);
}

}  // namespace ft
