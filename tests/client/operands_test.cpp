// What the words behind a verb name: files here, names there, and a server.

#include "client/verbs/operands.h"

#include <doctest/doctest.h>

#include "client/failures.h"
#include "client/verbs/verbs.h"
#include "tests/client/transfer_fixture.h"

using namespace ft;

namespace {

Options put(std::vector<std::string> operands) {
  Options options;
  options.verb = "put";
  options.operands = std::move(operands);
  options.server = {"127.0.0.1", 4000};
  return options;
}

Options get(std::vector<std::string> operands) {
  Options options = put(std::move(operands));
  options.verb = "get";
  return options;
}

void takeServer(Options& options) { takeServer(*findVerb(options.verb), options); }
void takeDotsOff(Options& options) { takeDotsOff(*findVerb(options.verb), options); }

}  // namespace

TEST_CASE("put keeps the base name, and a target that ends in a slash is a folder") {
  CHECK(putName("a.txt", std::nullopt, false).text() == "a.txt");
  CHECK(putName("x/y/a.txt", std::nullopt, false).text() == "a.txt");
  CHECK(putName("dir///", std::nullopt, false).text() == "dir");
  CHECK(putName("a.txt", "b.txt", false).text() == "b.txt");
  CHECK(putName("a.txt", "d/", false).text() == "d/a.txt");
  CHECK(putName("a.txt", "d/e/", true).text() == "d/e/a.txt");
  CHECK(putName("a.txt", "", true).text() == "a.txt");
  CHECK(putName("a.txt", "/", true).text() == "a.txt");
}

TEST_CASE("several files into one name are a usage error") {
  CHECK_THROWS_AS(putName("a.txt", "b", true), UsageError);
  CHECK_THROWS_AS(localTarget(FileName::parse("a"), "no-such-folder-here", true), UsageError);
}

TEST_CASE("a local path without a name of its own is resolved or refused") {
  CHECK_THROWS_AS(baseName("/"), UsageError);
  CHECK(baseName("/tmp/.") == "tmp");
  CHECK(baseName("/usr/bin/..") == "usr");
}

TEST_CASE("names that the server would refuse are refused before it is asked") {
  for (const char* name : {"/abs", "../x", "a/../b", "a//b", "./a", "a\\b", ".ftpd/x", "a\nb", "//"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(remoteName(name), Failure);
    CHECK_THROWS_AS(putName("a", name, false), Failure);
  }
  CHECK(remoteName("/").isRoot());
  CHECK(remoteName("").isRoot());
  CHECK(remoteName("d/").text() == "d");
}

TEST_CASE("standard input needs a name") {
  CHECK(streamName("a").text() == "a");
  for (const std::optional<std::string>& target :
       {std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("d/")}) {
    CHECK_THROWS_AS(streamName(target), UsageError);
  }
}

TEST_CASE("get writes the last part of the name here, or where -o says") {
  const TestFolder folder;
  const FileName name = FileName::parse("d/a.txt");
  const auto is = [](const LocalTarget& target, const std::string& in, const std::string& leaf) {
    CHECK(target.folder == in);
    CHECK(target.leaf == leaf);
  };
  is(localTarget(name, std::nullopt, false), ".", "a.txt");
  is(localTarget(name, "x", false), ".", "x");
  is(localTarget(name, "p/x", false), "p", "x");
  is(localTarget(name, "/x", false), "/", "x");
  is(localTarget(name, "p/", true), "p", "a.txt");
  is(localTarget(name, folder.path(), false), folder.path(), "a.txt");
  CHECK_THROWS_AS(localTarget(name, "", false), UsageError);
}

TEST_CASE("a folder becomes what -o names, whether it is there or not, unless that says to put it into a folder") {
  const TestFolder folder;
  std::filesystem::create_directory(folder.path("there"));
  const FileName name = FileName::parse("d/f");
  const auto is = [](const LocalTarget& target, const std::string& in, const std::string& leaf) {
    CHECK(target.folder == in);
    CHECK(target.leaf == leaf);
  };
  is(localFolder(name, std::nullopt, false), ".", "f");
  is(localFolder(name, "x", false), ".", "x");
  is(localFolder(name, folder.path("there"), false), folder.path(), "there");
  is(localFolder(name, folder.path("not"), false), folder.path(), "not");
  is(localFolder(FileName::root(), folder.path("there"), false), folder.path(), "there");
  is(localFolder(name, folder.path("there/"), false), folder.path("there"), "f");
  is(localFolder(name, folder.path("there"), true), folder.path("there"), "f");
  is(localFolder(name, ".", false), ".", "f");
  is(localFolder(name, "..", false), "..", "f");
  is(localFolder(name, "/", false), "/", "f");
  CHECK_THROWS_AS(localFolder(name, "", false), UsageError);
}

TEST_CASE("the last argument of put may name server and target, unless it is a file here") {
  Options options = put({"a.txt", "example.org:d/"});
  takeServer(options);
  CHECK(options.server == ServerAddress{"example.org", 7021});
  CHECK(options.target == "d/");
  CHECK(options.operands == std::vector<std::string>{"a.txt"});

  options = put({"a.txt", "127.0.0.1:b"});
  takeServer(options);
  CHECK(options.server == ServerAddress{"127.0.0.1", 4000});  // the host that is configured, at its port
  CHECK(options.target == "b");

  options = put({"a.txt", "./a:b"});
  takeServer(options);
  CHECK(options.operands.size() == 2);
  options = put({"host:b"});
  takeServer(options);
  CHECK(options.operands.size() == 1);
}

TEST_CASE("a server that -s names is not left for one that the last argument of put names") {
  const auto named = [](const std::string& last) {
    Options options = put({"a.txt", last});
    options.server = {"files.example", 4000};
    options.serverNamed = true;
    takeServer(options);
    return options;
  };
  CHECK(named("files.example:d/").target == "d/");
  CHECK(named("Files.Example:4000:d/").server == ServerAddress{"files.example", 4000});
  CHECK(named("FILES.example:d").server == ServerAddress{"files.example", 4000});
  for (const char* last : {"other.example:d", "files.example:4001:d", "other:d"}) {
    CAPTURE(last);
    try {
      named(last);
      FAIL("accepted");
    } catch (const UsageError& error) {
      CHECK(std::string(error.what()).find("files.example:4000") != std::string::npos);
      CHECK(std::string(error.what()).find(last) != std::string::npos);
    }
  }
  Options onSocket = put({"a.txt", "localhost:d"});
  onSocket.server = {.path = "/run/ftpd.sock"};
  onSocket.serverNamed = true;
  CHECK_THROWS_AS(takeServer(onSocket), UsageError);
}

TEST_CASE("two targets of a put are a usage error that names both") {
  Options options = put({"a.txt", "host:q/"});
  options.target = "z";
  try {
    takeServer(options);
    FAIL("accepted");
  } catch (const UsageError& error) {
    CHECK(std::string(error.what()).find("'host:q/'") != std::string::npos);
    CHECK(std::string(error.what()).find("-t 'z'") != std::string::npos);
  }
}

TEST_CASE("remote names may begin with a dot and a slash, and a dot is the root") {
  const auto plain = [](const std::string& name) {
    Options options = get({name});
    options.target = name;
    takeDotsOff(options);
    CHECK(options.target == options.operands[0]);
    return options.operands[0];
  };
  CHECK(plain("./a.txt") == "a.txt");
  CHECK(plain("././d/a.txt") == "d/a.txt");
  CHECK(plain("./d/") == "d/");
  for (const char* root : {".", "./", "././", "./."}) CHECK(plain(root) == "/");
  for (const char* same : {"", "/", "a", "..", "../a", ".a", "d/./a", "d/.", "...", ".../a"})
    CHECK(plain(same) == same);
  for (const char* bad : {"./../a", ".//a", "./.ftpd/x", "./a/."}) CHECK_THROWS_AS(remoteName(plain(bad)), Failure);
  Options local = put({"./a.txt", "."});
  takeDotsOff(local);
  CHECK(local.operands == std::vector<std::string>{"./a.txt", "."});
  for (const char* verb : {"get", "ls", "stat", "sum", "mkdir", "rm", "mv"}) {
    CAPTURE(verb);
    local.verb = verb;
    local.operands = {"./a"};
    takeDotsOff(local);
    CHECK(local.operands == std::vector<std::string>{"a"});
  }
}

TEST_CASE("an operand of get names a server only when it surely does") {
  Options options = get({"a.example:70:d/a", "a.example:70:b"});
  takeServer(options);
  CHECK(options.server == ServerAddress{"a.example", 70});
  CHECK(options.operands == std::vector<std::string>{"d/a", "b"});

  options = get({"12:30.txt"});
  takeServer(options);
  CHECK(options.operands == std::vector<std::string>{"12:30.txt"});

  options = get({"a.example:b"});
  options.serverNamed = true;
  takeServer(options);
  CHECK(options.operands == std::vector<std::string>{"a.example:b"});

  options = get({"a.example:b", "b.example:b"});
  CHECK_THROWS_AS(takeServer(options), UsageError);
}
