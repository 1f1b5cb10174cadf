// What ftpc adds to a failure for people, and what it does not add for others.

#include "client/verbs/hints.h"

#include <doctest/doctest.h>

#include <sstream>

#include "client/terminal/output.h"
#include "common/error.h"

using namespace ft;

namespace {

Options command(const std::string& verb, std::vector<std::string> operands) {
  Options options;
  options.verb = verb;
  options.operands = std::move(operands);
  return options;
}

Problem refused(ErrorCode code, bool fromServer = true) {
  return {std::string(errorName(code)), "text", 1, fromServer};
}

std::string hint(const Options& options, const std::string& name, const Problem& problem) {
  return hintFor(options, name, problem, true);
}

}  // namespace

TEST_CASE("a second name that is not there may be meant as the new one") {
  const Problem missing = refused(ErrorCode::NotFound);
  Options get = command("get", {"a.txt", "b"});
  CHECK(hint(get, "b", missing) == "; to fetch under another name: -o b");
  CHECK(hint(command("get", {"a", "b c"}), "b c", missing) == "; to fetch under another name: -o 'b c'");
  CHECK(hint(command("get", {"a", "/tmp/b"}), "/tmp/b", refused(ErrorCode::NameInvalid, false)) ==
        "; to fetch under another name: -o /tmp/b");
  CHECK(hintFor(get, "b", missing, false).empty());  // the first failed, too
  CHECK(hint(get, "a.txt", missing).empty());
  CHECK(hint(get, "b", refused(ErrorCode::Forbidden)).empty());
  CHECK(hint(command("get", {"b"}), "b", missing).empty());
  CHECK(hint(command("get", {"a", "b", "c"}), "c", missing).empty());
  get.output = "d/";
  CHECK(hint(get, "b", missing).empty());

  const Problem missingHere = refused(ErrorCode::NotFound, false);
  Options put = command("put", {"a.txt", "b.txt"});
  CHECK(hint(put, "b.txt", missingHere) == "; to store under another name: -t b.txt");
  CHECK(hint(command("put", {"a.txt", "/d/b"}), "/d/b", missingHere) == "; to store under another name: -t d/b");
  CHECK(hint(put, "a.txt", missingHere).empty());
  CHECK(hint(put, "b.txt", missing).empty());
  put.target = "d/";
  CHECK(hint(put, "b.txt", missingHere).empty());
}

TEST_CASE("what one more letter would do is told") {
  Options mkdir = command("mkdir", {"a/b/c"});
  CHECK(hint(mkdir, "a/b/c", refused(ErrorCode::NotFound)) == "; -p makes missing folders");
  CHECK(hint(mkdir, "a/b/c", refused(ErrorCode::Exists)).empty());
  mkdir.parents = true;
  CHECK(hint(mkdir, "a/b/c", refused(ErrorCode::NotFound)).empty());

  Options rm = command("rm", {"d"});
  CHECK(hint(rm, "d", refused(ErrorCode::IsDirectory)) == "; -r removes all that is in it, too");
  CHECK(hint(rm, "d", refused(ErrorCode::NotFound)).empty());
  rm.recursive = true;
  CHECK(hint(rm, "d", refused(ErrorCode::IsDirectory)).empty());

  const Problem folder = refused(ErrorCode::IsDirectory);
  CHECK(hint(command("mv", {"a", "b"}), "a", folder) == "; to move it into that folder: ftpc mv a b/");
  CHECK(hint(command("mv", {"a", "b/"}), "a", folder).empty());
}

TEST_CASE("who writes a pattern is told that names on the server are none") {
  const std::string literally = "; names on the server are taken literally, not as patterns";
  for (const char* verb : {"get", "rm", "ls", "stat", "sum"}) {
    for (const char* name : {"a*.txt", "?", "[ab]"}) {
      CHECK(hint(command(verb, {"x", name}), name, refused(ErrorCode::NotFound)) == literally);
    }
  }
  CHECK(hint(command("ls", {"a*"}), "a*", refused(ErrorCode::Forbidden)).empty());
  CHECK(hint(command("ls", {"a"}), "a", refused(ErrorCode::NotFound)).empty());
  CHECK(hint(command("get", {"d"}), "d/a*", refused(ErrorCode::NotFound)).empty());  // a file that was listed
}

TEST_CASE("hints stand behind the message on standard error, and not in JSON") {
  std::ostringstream out;
  std::ostringstream err;
  Output::Settings settings;
  settings.json = true;
  settings.server = "h:1";
  settings.hint = [](const std::string& name, const Problem&, bool first) {
    return "; try " + name + (first ? " first" : "");
  };
  Output output({out, err}, settings);
  output.failed("a", refused(ErrorCode::NotFound));
  output.failed("b", refused(ErrorCode::NotFound));
  CHECK(err.str() == "ftpc: a: not found on h:1 (text); try a first\nftpc: b: not found on h:1 (text); try b\n");
  CHECK(out.str().find("try") == std::string::npos);
}
