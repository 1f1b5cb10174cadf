// The command line, the environment and the configuration of ftpc: which wins, and what is said of mistakes.

#include <doctest/doctest.h>

#include <fstream>
#include <map>

#include "client/command_line.h"
#include "client/failures.h"
#include "client/verbs/verbs.h"
#include "common/error.h"
#include "common/version.h"
#include "tests/client/transfer_fixture.h"

using namespace ft;
using std::chrono::milliseconds;

namespace {

Environment with(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

Options parse(const std::vector<std::string>& arguments, const Environment& environment = with({})) {
  return parseCommandLine(arguments, environment).options;
}

// What is said of a command line that is not understood.
std::string complaint(const std::vector<std::string>& arguments) {
  try {
    parse(arguments);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("without anything said, the server is 127.0.0.1:7021") {
  const Options options = parse({"put", "a.txt"});
  CHECK(options.verb == "put");
  CHECK(options.operands == std::vector<std::string>{"a.txt"});
  CHECK(options.server == ServerAddress{"127.0.0.1", 7021});
  CHECK(options.transfer.replace);
  CHECK(options.transfer.chunkSize == 8192);
  CHECK_FALSE(options.transfer.digest);
}

TEST_CASE("the server is -s, else FTPC_SERVER, else the configuration") {
  const TestFolder folder;
  std::filesystem::create_directory(folder.path("ftpc"));
  folder.write("ftpc/config", "[default]\nserver = from.config:3\ntimeout = 7s\n");
  const auto config = with({{"XDG_CONFIG_HOME", folder.path()}});
  const auto both = with({{"XDG_CONFIG_HOME", folder.path()}, {"FTPC_SERVER", "from.env:2"}});
  CHECK(parse({"ping"}, config).server.text() == "from.config:3");
  CHECK(parse({"ping"}, config).timeout == milliseconds(7000));
  CHECK(parse({"ping"}, both).server.text() == "from.env:2");
  CHECK(parse({"-s", "from.option:1", "ping"}, both).server.text() == "from.option:1");
  CHECK(parse({"--timeout", "3s", "ping"}, config).timeout == milliseconds(3000));
}

TEST_CASE("digests are remembered in the cache of the user, and nowhere when there is none") {
  const auto place = [](std::map<std::string, std::string> values) {
    return parse({"put", "a"}, with(std::move(values))).sourceDigests;
  };
  CHECK(place({{"XDG_CACHE_HOME", "/c"}, {"HOME", "/h"}}) == "/c/ftpc/digests");
  CHECK(place({{"XDG_CACHE_HOME", "relative"}, {"HOME", "/h"}}) == "/h/.cache/ftpc/digests");
  CHECK(place({{"XDG_CACHE_HOME", ""}, {"HOME", "/h"}}) == "/h/.cache/ftpc/digests");
  CHECK(place({{"XDG_CACHE_HOME", "relative"}}).empty());
  CHECK(place({{"HOME", ""}}).empty());
  CHECK(place({}).empty());
}

TEST_CASE("global options stand before or behind the verb") {
  for (const auto& arguments :
       {std::vector<std::string>{"-s", "h:1", "--no-clobber", "--retry", "2", "put", "a", "-t", "b"},
        std::vector<std::string>{"put", "a", "-t", "b", "-s", "h:1", "--no-clobber", "--retry", "2"},
        std::vector<std::string>{"put", "-s", "h:1", "--retry=2", "-t", "b", "--no-clobber", "a"}}) {
    const Options options = parse(arguments);
    CHECK(options.server.text() == "h:1");
    CHECK_FALSE(options.transfer.replace);
    CHECK(options.retry == 2);
    CHECK(options.retryNamed);
    CHECK(options.target == "b");
    CHECK(options.operands == std::vector<std::string>{"a"});
  }
}

TEST_CASE("of an option that is given twice, the last one counts") {
  const std::vector<std::string> before{
      "--retry",         "3",    "-s",   "a:1",   "--timeout", "1s", "--digest", "md5", "--user",        "a",
      "--chunk-size",    "1KiB", "--ca", "a.pem", "--cert",    "a",  "--key",    "a",   "--connections", "1",
      "--password-file", "a"};
  const std::vector<std::string> after{
      "--retry",         "0",    "-s",   "b:2",   "--timeout", "2s", "--digest", "sha256", "--user",        "b",
      "--chunk-size",    "2KiB", "--ca", "b.pem", "--cert",    "b",  "--key",    "b",      "--connections", "2",
      "--password-file", "b"};
  for (const std::string verb : {"put", "get"}) {
    const std::string option = verb == "put" ? "-t" : "-o";
    std::vector<std::string> words = before;
    words.insert(words.end(), {verb, "x", option, "one", "y", option, "two", "z"});
    words.insert(words.end(), after.begin(), after.end());
    const Options options = parse(words);
    CHECK(options.retry == 0);
    CHECK(options.server.text() == "b:2");
    CHECK(options.timeout == milliseconds(2000));
    CHECK(options.transfer.digest == DigestAlgorithm::Sha256);
    CHECK(options.transfer.chunkSize == 2048);
    CHECK(options.transfer.connections == 2U);
    CHECK(options.login.user == "b");
    CHECK(options.login.passwordFile == "b");
    CHECK(options.trust.ca == "b.pem");
    CHECK(options.trust.certificate == "b");
    CHECK(options.trust.key == "b");
    CHECK((verb == "put" ? options.target : options.output) == "two");
    CHECK(options.operands == std::vector<std::string>{"x", "y", "z"});
  }
  CHECK(parse({"--token-file", "a", "ping", "--token-file", "b", "-c", "1", "-c", "2"}).pingCount == 2U);
  CHECK(parse({"--token-file", "a", "ping", "--token-file", "b"}).login.tokenFile == "b");
  CHECK(parse({"--user", "a", "--identity", "a", "ping", "--identity", "b"}).login.identity == "b");
  CHECK(parse({"--user", "a", "--password-fd", "3", "ping", "--password-fd", "4"}).login.passwordFd == 4);
  CHECK(parse({"discover", "--wait", "1s", "--wait", "2s"}).discoverWait == milliseconds(2000));
  CHECK(parse({"exec", "--encoding", "a", "--encoding", "b", "x"}).execEncoding == "b");
  const std::string pin = "SHA256:GQUQoFgmxXRWQiYG+bUscDdbzXgHQuUwvC/3l0oJCVo";
  CHECK(parse({"--pin", pin, "ping", "--pin", pin}).trust.pins.size() == 2);
}

TEST_CASE("a dash is an operand, and two dashes end the options") {
  CHECK(parse({"put", "-", "-t", "x"}).operands == std::vector<std::string>{"-"});
  CHECK(parse({"get", "a", "-o", "-"}).output == "-");
  CHECK(parse({"put", "--", "-s", "--json"}).operands == std::vector<std::string>{"-s", "--json"});
}

TEST_CASE("behind a verb, the name of a verb is an operand like any other") {
  for (const Verb& verb : verbs()) {
    for (const Verb& other : verbs()) {
      const std::string word(other.name);
      CAPTURE(verb.name);
      CAPTURE(word);
      const Options options = parse({std::string(verb.name), "a", word, word, "b"});
      CHECK(options.verb == verb.name);
      CHECK(options.operands == std::vector<std::string>{"a", word, word, "b"});
      CHECK(parse({"-q", std::string(verb.name), word}).operands == std::vector<std::string>{word});
    }
  }
  const Options command = parse({"exec", "-c", "ls", "-l", "put"});
  CHECK(command.execShell);
  CHECK(command.operands == std::vector<std::string>{"ls", "-l", "put"});
  CHECK(parse({"get", "ls", "-o", "put"}).output == "put");
}

TEST_CASE("behind ls, -h is about sizes, and elsewhere it is the help") {
  for (const auto& words :
       {std::vector<std::string>{"ls", "-lh"}, {"ls", "-h", "-l"}, {"ls", "--human-readable", "-l"}}) {
    const CommandLine line = parseCommandLine(words, with({}));
    CHECK_FALSE(line.text);
    CHECK(line.options.sizesForPeople);
    CHECK(line.options.longList);
  }
  CHECK_FALSE(parse({"ls", "-l"}).sizesForPeople);
  CHECK(parseCommandLine({"ls", "--help"}, with({})).text->find("--human-readable") != std::string::npos);
  CHECK(parseCommandLine({"-h"}, with({})).text == parseCommandLine({"--help"}, with({})).text);
  CHECK(parseCommandLine({"get", "-h"}, with({})).text == parseCommandLine({"get", "--help"}, with({})).text);
}

TEST_CASE("what is not understood is a usage error that says so") {
  for (const auto& arguments : {std::vector<std::string>{},
                                {"frobnicate"},
                                {"--frob", "ping"},
                                {"put", "--frob", "a"},
                                {"-s", "", "ping"},
                                {"-s", "a:b:c", "ping"},
                                {"--retry", "-1", "ping"},
                                {"--retry", "x", "ping"},
                                {"--timeout", "x", "ping"},
                                {"--timeout", "0", "ping"},
                                {"--digest", "crc", "ping"},
                                {"--chunk-size", "0", "ping"},
                                {"--chunk-size", "1TiB", "ping"},
                                {"put", "-t"},
                                {"ls", "-t", "x"}}) {
    std::string shown;
    for (const std::string& argument : arguments) shown += " " + argument;
    CAPTURE(shown);
    CHECK_THROWS_AS(parse(arguments), UsageError);
  }
}

TEST_CASE("a configuration that is wrong names its line and the nearest key") {
  const auto fails = [](const std::string& text, const std::string& part) {
    try {
      parseClientConfig(text, "f");
      FAIL("accepted");
    } catch (const ConfigError& error) {
      CHECK_MESSAGE(std::string(error.what()).find(part) != std::string::npos, error.what());
    }
  };
  fails("[default]\nservr = a\n", "f:2:");
  fails("[default]\nservr = a\n", "'server'");
  fails("[other]\nserver = a\n", "[default]");
  CHECK(parseClientConfig("", "f").server == std::nullopt);
}

TEST_CASE("a wrong server in the environment or the configuration names its source") {
  try {
    parse({"ping"}, with({{"FTPC_SERVER", "a:b"}}));
    FAIL("accepted");
  } catch (const UsageError& error) {
    CHECK(std::string(error.what()).starts_with("FTPC_SERVER:"));
  }
}

TEST_CASE("a wrong value in the configuration is told with its line, unless it is a server that is not used") {
  const TestFolder folder;
  std::filesystem::create_directory(folder.path("ftpc"));
  const auto config = with({{"XDG_CONFIG_HOME", folder.path()}});
  for (const char* line : {"server = a:b", "retry = many", "timeout = 0", "digest = crc", "tls = maybe"}) {
    folder.write("ftpc/config", "# a comment\n[default]\nuser = anna\n" + std::string(line) + "\n");
    CAPTURE(line);
    try {
      parse({"ping"}, config);
      FAIL("accepted");
    } catch (const UsageError& error) {
      CHECK(std::string(error.what()).starts_with(folder.path("ftpc/config:4: ")));
    }
  }
  folder.write("ftpc/config", "[default]\nserver = a:b\n");
  CHECK(parse({"-s", "localhost", "ping"}, config).server.host == "localhost");
  const auto both = with({{"XDG_CONFIG_HOME", folder.path()}, {"FTPC_SERVER", "from.env:2"}});
  CHECK(parse({"ping"}, both).server.text() == "from.env:2");
  CHECK(parse({"-s", "localhost", "ping"}, with({{"FTPC_SERVER", "a:b"}})).server.host == "localhost");
}

TEST_CASE("in the configuration, ~/ at the beginning of a path is the home folder") {
  const TestFolder folder;
  std::filesystem::create_directory(folder.path("ftpc"));
  const auto read = [&](const std::string& lines,
                        std::map<std::string, std::string> environment = {{"HOME", "/home/a"}}) {
    folder.write("ftpc/config", "[default]\nuser = ~/a\n" + lines);
    environment["XDG_CONFIG_HOME"] = folder.path();
    return parse({"ping"}, with(std::move(environment)));
  };
  const Options options = read("password_file = ~/pw\nca = ~/ca.pem\ncert = ~/c/cert\nkey = ~/key\n");
  CHECK(options.login.passwordFile == "/home/a/pw");
  CHECK(options.trust.ca == "/home/a/ca.pem");
  CHECK(options.trust.certificate == "/home/a/c/cert");
  CHECK(options.trust.key == "/home/a/key");
  CHECK(options.login.user == "~/a");
  CHECK(read("token_file = ~/t\n").login.tokenFile == "/home/a/t");
  CHECK(read("identity = ~/.ssh/id\n", {{"HOME", "/root"}}).login.identity == "/root/.ssh/id");
  for (const char* same : {"~", "~a/pw", "d/~/pw", "/pw"}) {
    CHECK(read("password_file = " + std::string(same) + "\n").login.passwordFile == same);
  }
  for (const auto& environment : {std::map<std::string, std::string>{}, {{"HOME", ""}}}) {
    try {
      read("identity = ~/id\n", environment);
      FAIL("accepted");
    } catch (const UsageError& error) {
      CHECK(std::string(error.what()) ==
            folder.path("ftpc/config:3: ") + "'~/id' means a file in HOME, which is not set");
    }
  }
}

TEST_CASE("help and version are told instead of anything else, for each verb") {
  CHECK(parseCommandLine({"--version"}, with({})).text->starts_with("ftpc 0."));
  const std::string help = *parseCommandLine({"--help"}, with({})).text;
  for (const Verb& verb : verbs()) {
    CAPTURE(verb.name);
    CHECK(help.find(verb.summary) != std::string::npos);
    const auto line = parseCommandLine({std::string(verb.name), "--help"}, with({}));
    REQUIRE(line.text);
    CHECK(line.text->find(verb.usage) != std::string::npos);
  }
  CHECK(help.find("130 / 143") != std::string::npos);
  CHECK(parseCommandLine({"help"}, with({})).text == help);
  CHECK(parseCommandLine({"help", "get"}, with({})).text == parseCommandLine({"get", "--help"}, with({})).text);
  CHECK_THROWS_AS(parse({"help", "gt"}), UsageError);
  CHECK(parse({"ls", "help"}).operands == std::vector<std::string>{"help"});
}

TEST_CASE("with --json, version and help are objects, too") {
  const auto text = [](const std::vector<std::string>& words) { return *parseCommandLine(words, with({})).text; };
  const std::string version = "{\"v\":1,\"type\":\"version\",\"version\":\"" + std::string(kVersion) + "\"}\n";
  CHECK(text({"--json", "--version"}) == version);
  CHECK(text({"--version", "ping", "--json"}) == version);
  for (const auto& words :
       {std::vector<std::string>{"--json", "--help"}, {"ls", "--help", "--json"}, {"help", "ls", "--json"}}) {
    const std::string help = text(words);
    CHECK(help.starts_with("{\"v\":1,\"type\":\"help\",\"text\":\""));
    CHECK(help.find('\n') == help.size() - 1);
  }
  CHECK(text({"--version"}) == "ftpc " + std::string(kVersion) + "\n");
}

TEST_CASE("a command or option that is not known is named, and not the value of an option before it") {
  CHECK(complaint({"gt", "a"}) == "command 'gt' is not known; did you mean 'get'?");
  CHECK(complaint({"--retry", "0", "gt"}) == "command 'gt' is not known; did you mean 'get'?");
  CHECK(complaint({"-s", "put:1", "--json", "frobnicate"}) == "command 'frobnicate' is not known; try: ftpc --help");
  CHECK(complaint({"--retry", "0"}).starts_with("no command; "));
  CHECK(complaint({}).starts_with("no command; "));
  CHECK(complaint({"--bogus"}) == "option '--bogus' is not known; try: ftpc --help");
  CHECK(complaint({"put", "--no-clober", "x"}) == "option '--no-clober' is not known; did you mean '--no-clobber'?");
  CHECK(complaint({"get", "x", "--bogus=1"}) == "option '--bogus' is not known; try: ftpc get --help");
  CHECK(complaint({"ping", "-Z"}) == "option '-Z' is not known; try: ftpc ping --help");
}

TEST_CASE("of options that other programs need it is said why they are not needed") {
  CHECK(complaint({"rm", "-rf", "x"}) == "option '-f' is not known, and not needed: rm asks no questions");
  CHECK(complaint({"rm", "-fr", "x"}) == "option '-f' is not known, and not needed: rm asks no questions");
  CHECK(complaint({"rm", "--force", "x"}) == "option '--force' is not known, and not needed: rm asks no questions");
  CHECK(complaint({"put", "-r", "d"}) == "option '-r' is not known, and not needed: folders need no flag");
  CHECK(complaint({"get", "-r", "d"}) == "option '-r' is not known, and not needed: folders need no flag");
  CHECK(complaint({"put", "-p", "f"}).ends_with("not needed: times and permissions travel by default"));
  CHECK(complaint({"ls", "-la"}).ends_with("not needed: no name is left out for its leading dot"));
  CHECK(complaint({"ls", "-f"}) == "option '-f' is not known; try: ftpc ls --help");
}

TEST_CASE("of commands that other programs have it is said what to write here") {
  CHECK(complaint({"cat", "x"}) == "command 'cat' is not known; try: ftpc get NAME -o -");
  CHECK(complaint({"cp", "a", "b"}).find("no copying on the server") != std::string::npos);
  for (const auto& [word, verb] : {std::pair{"list", "ls"},
                                   {"dir", "ls"},
                                   {"del", "rm"},
                                   {"delete", "rm"},
                                   {"upload", "put"},
                                   {"download", "get"},
                                   {"rename", "mv"}}) {
    CHECK(complaint({word, "x"}) == std::string("command '") + word + "' is not known; did you mean '" + verb + "'?");
  }
  CHECK(complaint({"put", "cat", "-t"}) != complaint({"cat"}));
}
