#include "exec/invocation.h"

#include <doctest/doctest.h>

#include <fstream>

#include "common/error.h"
#include "tests/support/temp_folder.h"

using namespace ft;
using namespace ft::testing;

namespace {

// A configuration with that text.
struct Config {
  explicit Config(const std::string& text) : path((folder.path() / "f.conf").string()) { std::ofstream(path) << text; }
  ExecSettings read(ExecInvocation invocation = {}) const {
    invocation.config = path;
    return readSettings(invocation);
  }
  TempFolder folder;
  std::string path;
};

std::string refusal(const std::vector<std::string>& arguments) {
  try {
    readInvocation(arguments);
    return "";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("options are pairs of a name and a value, of which the last counts") {
  const ExecInvocation none = readInvocation({});
  CHECK(none.config == "/etc/ftpd/ftpd.conf");
  CHECK_FALSE(none.root.has_value());
  CHECK_FALSE(none.control.has_value());
  const ExecInvocation all = readInvocation({"--root", "/a", "--config", "f", "--control", "7", "--root", "--b"});
  CHECK(all.config == "f");
  CHECK(all.root == "--b");
  CHECK(all.control == 7);
}

TEST_CASE("what is no option, lacks its value or is no descriptor is refused") {
  CHECK(refusal({"--roots", "/a"}) == "unknown option or no value: --roots");
  CHECK(refusal({"--root"}) == "unknown option or no value: --root");
  CHECK(refusal({"f.conf"}) == "unknown option or no value: f.conf");
  for (const char* text : {"", "x", "-1", "7x", "99999999999"}) {
    CHECK(refusal({"--control", text}) == "--control: '" + std::string(text) + "' is not a descriptor");
  }
}

TEST_CASE("settings come from the file, the root from the option before it, and the plain service needs a shell") {
  const Config config("[storage]\nroot = /home\nroot = /srv\n[exec.df]\nrun = /bin/df {root}\n");
  const ExecSettings settings = config.read();
  CHECK_FALSE(settings.shell);
  CHECK(settings.find("df") != nullptr);
  CHECK(settings.root == "/srv");
  CHECK(config.read({.root = "/other"}).root == "/other");
  CHECK(Config("[plain-exec]\nlisten = 127.0.0.1:0\n").read().shell);
}

TEST_CASE("a mistake in the file is told with its line, and without a socket there is nowhere to listen") {
  const Config config("[exec]\n\nmode = maybe\n");
  CHECK_THROWS_WITH_AS(config.read(), doctest::Contains((config.path + ":3: ").c_str()), ConfigError);
  CHECK_THROWS_AS(openListener({}, {}), ConfigError);
}
