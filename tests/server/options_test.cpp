// The daemon's command line, and what wins over what in its settings.

#include "server/options.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "common/error.h"
#include "common/unique_fd.h"
#include "common/version.h"
#include "server/session/commands.h"

using namespace ft;

namespace {

const Environment kHome{{"HOME", "/home/someone"}};

std::string errorOf(const std::vector<std::string>& arguments, const Environment& environment = kHome) {
  try {
    readInvocation(arguments, environment);
    return "";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

bool mentions(const std::string& text, std::string_view word) { return text.find(word) != std::string::npos; }

struct ConfigFile {
  explicit ConfigFile(const std::string& text) {
    const UniqueFd fd(::mkstemp(path.data()));
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~ConfigFile() { ::unlink(path.c_str()); }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  std::string path = "/tmp/options-test-XXXXXX";
};

}  // namespace

TEST_CASE("without arguments the daemon serves with the defaults") {
  const Invocation invocation = readInvocation({}, kHome);
  CHECK_FALSE(invocation.answer.has_value());
  CHECK(invocation.config.listen == std::vector<std::string>{"127.0.0.1:7021"});
}

TEST_CASE("options set what they name, and --listen adds up") {
  const ServerConfig config = readInvocation({"--root", "/srv", "--listen", "127.0.0.1:0", "--listen=[::1]:0",
                                              "--workers", "4", "--log-level=debug", "--log-format", "json"},
                                             kHome)
                                  .config;
  CHECK(config.root == "/srv");
  CHECK(config.listen == std::vector<std::string>{"127.0.0.1:0", "[::1]:0"});
  CHECK(config.workers == 4);
  CHECK(config.logLevel == LogLevel::Debug);
  CHECK(config.logFormat == LogFormat::Json);
}

TEST_CASE("an option wins over the environment, the environment over the file, the file over the default") {
  const ConfigFile file("[server]\nworkers = 2\nlisten = 127.0.0.1:2\n[log]\nlevel = error\nformat = json\n");
  Environment environment = kHome;
  environment["FTPD_SERVER__WORKERS"] = "3";
  environment["FTPD_LOG__LEVEL"] = "warn";
  const ServerConfig config = readInvocation({"--config", file.path, "--workers", "4"}, environment).config;
  CHECK(config.workers == 4);
  CHECK(config.logLevel == LogLevel::Warn);
  CHECK(config.logFormat == LogFormat::Json);
  CHECK(config.listen == std::vector<std::string>{"127.0.0.1:2"});
  CHECK(config.maxPerAddress == 64);
}

TEST_CASE("the configuration file can be named in the environment, and the option wins") {
  const ConfigFile file("[server]\nworkers = 2\n");
  const ConfigFile other("[server]\nworkers = 5\n");
  Environment environment = kHome;
  environment["FTPD_CONFIG"] = file.path;
  CHECK(readInvocation({}, environment).config.workers == 2);
  CHECK(readInvocation({"--config", other.path}, environment).config.workers == 5);
}

TEST_CASE("mistakes on the command line name the option") {
  CHECK(errorOf({"--workers", "none"}) == "--workers: the value must be a number from 1 to 1024, not 'none'");
  CHECK(mentions(errorOf({"--wrokers", "4"}), "--wrokers"));
  CHECK(mentions(errorOf({"--root"}), "--root"));
  CHECK(mentions(errorOf({"stray"}), "stray"));
  CHECK(mentions(errorOf({"--listen", "nowhere"}), "--listen: "));
  CHECK(mentions(errorOf({"--config", "/nonexistent"}), "/nonexistent: cannot be read"));
  CHECK_FALSE(errorOf({"--config", ""}).empty());
  CHECK_FALSE(mentions(errorOf({"\x1b[2J"}), "\x1b"));
}

TEST_CASE("an address that others can reach needs accounts, a rule for who has none, or the words --insecure-no-auth") {
  CHECK(mentions(errorOf({"--listen", "0.0.0.0:0"}), "--listen: refusing to listen on '0.0.0.0:0'"));
  CHECK(mentions(errorOf({"--listen", "0.0.0.0:0", "--check-config"}), "ftpd user add NAME"));
  CHECK(readInvocation({"--listen", "0.0.0.0:0", "--insecure-no-auth"}, kHome).config.insecureNoAuth);
}

TEST_CASE("questions are answered instead of serving") {
  CHECK(readInvocation({"--version"}, kHome).answer == "ftpd " + std::string(kVersion) + "\n");
  CHECK(readInvocation({"--check-config"}, kHome).answer == "ftpd: the configuration is good\n");
  const std::string help = readInvocation({"--help"}, kHome).answer.value_or("");
  for (const char* const option :
       {"--root", "--listen", "--config", "--workers", "--log-level", "--log-format", "--check-config",
        "--print-config", "--list-commands", "--insecure-no-auth", "--version", "FTPD_CONFIG"}) {
    CAPTURE(option);
    CHECK(mentions(help, option));
  }
  CHECK(mentions(readInvocation({"--print-config", "--workers", "9"}, kHome).answer.value_or(""),
                 "# from: --workers\nworkers = 9\n"));
}

TEST_CASE("the commands are listed one a line") {
  std::string names;
  for (const Command& command : commandTable()) names += std::string(command.name) + "\n";
  CHECK(readInvocation({"--list-commands"}, kHome).answer == names);
}

TEST_CASE("--check-config finds what is wrong with a file") {
  const ConfigFile file("[server]\nlissten = 1\n");
  CHECK(errorOf({"--check-config", "--config", file.path}) ==
        file.path + ":2: unknown key 'lissten' in [server]; did you mean 'listen'?");
}

TEST_CASE("--check-config finds a user to become that this system does not have") {
  const ConfigFile file("[server]\nuser = no-such-user-here\n");
  CHECK(errorOf({"--check-config", "--config", file.path}) ==
        "the user 'no-such-user-here' (server.user) does not exist");
  CHECK(errorOf({"--print-config", "--config", file.path}).empty());
}

TEST_CASE("a command about users behind an option is told its place") {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--config", "f", "user", "list", "--json"}, {"--workers", "1", "user"}}) {
    CHECK(mentions(errorOf(arguments), "ftpd user --config FILE list"));
  }
}
