// What ftpc says to a person and to a program, and where: on standard output, standard error or a terminal.

#include "client/terminal/output.h"

#include <doctest/doctest.h>

#include <sstream>
#include <utility>

using namespace ft;

namespace {

struct Screen {
  explicit Screen(Output::Settings settings, bool terminal = false)
      : output({out, err, terminal, nullptr}, std::move(settings)) {}
  std::ostringstream out;
  std::ostringstream err;
  Output output;
};

Output::Settings settingsFor(bool json, bool quiet = false) {
  Output::Settings settings;
  settings.json = json;
  settings.quiet = quiet;
  settings.verb = "put";
  settings.server = "127.0.0.1:7021";
  return settings;
}

FileOutcome stored(const std::string& name) {
  FileOutcome outcome;
  outcome.name = name;
  outcome.size = outcome.moved = 12;
  outcome.digest = DigestValue{DigestAlgorithm::Md5, "6f5902ac237024bdd0c176cb93063dc4"};
  return outcome;
}

FileOutcome failed(const std::string& name) {
  FileOutcome outcome;
  outcome.state = FileOutcome::State::Failed;
  outcome.name = name;
  outcome.problem = {"not_found", "no such file", 4, true};
  return outcome;
}

}  // namespace

TEST_CASE("the last line names files, bytes, time, rate and digest") {
  Screen screen(settingsFor(false));
  screen.output.ended(stored("a.txt"));
  screen.output.summary("stored", "a.txt");
  const std::string text = screen.out.str();
  CHECK(text.starts_with("stored a.txt: 1 file, 12 B in "));
  CHECK(text.find("/s)") != std::string::npos);
  CHECK(text.ends_with("verified md5 6f5902ac237024bdd0c176cb93063dc4\n"));
  CHECK(screen.err.str().empty());
}

TEST_CASE("quiet says nothing but errors") {
  Screen screen(settingsFor(false, true), true);
  screen.output.planned(2, 24);
  screen.output.advanced(12);
  screen.output.ended(stored("a.txt"));
  screen.output.warned("left out");
  screen.output.summary("stored", "");
  screen.output.report("all is well");
  CHECK(screen.out.str().empty());
  CHECK(screen.err.str().empty());
  screen.output.line("what was asked for");
  CHECK(screen.out.str() == "what was asked for\n");
  screen.output.ended(failed("b.txt"));
  CHECK(screen.err.str() == "ftpc: b.txt: not found on 127.0.0.1:7021 (no such file)\n");
}

TEST_CASE("with data on stdout no message goes there") {
  Screen screen(settingsFor(false));
  screen.output.dataOnStdout();
  screen.output.ended(stored("a.txt"));
  screen.output.summary("fetched", "a.txt");
  CHECK(screen.out.str().empty());
  CHECK(screen.err.str().starts_with("fetched a.txt"));
}

TEST_CASE("json is one object a line on stdout, for files, warnings, errors and the summary") {
  Screen screen(settingsFor(true));
  screen.output.ended(stored("a\"\n.txt"));
  screen.output.warned("left out");
  screen.output.ended(failed("b.txt"));
  screen.output.line("never");
  screen.output.summary("stored", "");
  std::istringstream lines(screen.out.str());
  std::vector<std::string> types;
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.starts_with("{\"v\":1,\"type\":\""));
    CHECK(line.ends_with("}"));
    types.push_back(line.substr(15, line.find('"', 15) - 15));
  }
  CHECK(types == std::vector<std::string>{"file", "warning", "error", "summary"});
  CHECK(screen.out.str().find("\"exit\":6") != std::string::npos);
}

TEST_CASE("names from anywhere are escaped on a terminal") {
  Screen screen(settingsFor(false), true);
  screen.output.ended(failed("a\x1b]0;x\x07\n\xc2\x9b.txt"));
  screen.output.summary("stored", "a\x1b[2J");
  const std::string text = screen.err.str() + screen.out.str();
  CHECK(text.find("\x1b]") == std::string::npos);
  CHECK(text.find("\x1b[2J") == std::string::npos);
  CHECK(text.find("\xc2\x9b") == std::string::npos);
  CHECK(text.find('\x07') == std::string::npos);
}

TEST_CASE("progress is drawn on a terminal and erased before anything else is said") {
  Screen screen(settingsFor(false), true);
  screen.output.planned(1, 100);
  screen.output.advanced(50);
  CHECK(screen.err.str().find("50 %") != std::string::npos);
  screen.output.warned("careful");
  CHECK(screen.err.str().ends_with("\r\x1b[Kftpc: careful\n"));
}

TEST_CASE("without a terminal there is no progress") {
  Screen screen(settingsFor(false), false);
  screen.output.planned(1, 100);
  screen.output.advanced(50);
  CHECK(screen.err.str().empty());
}
