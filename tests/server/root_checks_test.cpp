// What is wrong with roots before the daemon starts: the daemon's own data in them, and what would have no effect.

#include "server/access/root_checks.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "common/error.h"
#include "tests/support/temp_folder.h"

using namespace ft;
using namespace ft::testing;

namespace {

namespace fs = std::filesystem;

// A root at ROOT, and a home beside it, both in a temporary folder, which "$" stands for.
struct Setting {
  Setting() { fs::create_directories(folder.path() / "root"); }

  std::string replaced(std::string text) const {
    for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$')) {
      text.replace(at, 1, folder.path().string());
    }
    return text;
  }
  EffectiveConfig build(const std::string& text, const std::string& home = "$/home") const {
    std::vector<ConfigSetting> settings;
    for (const IniEntry& entry : parseIni(replaced(text), "f.conf")) {
      settings.push_back({entry.section, entry.key, entry.value, "f.conf:" + std::to_string(entry.line)});
    }
    return buildConfig(settings, {{"HOME", replaced(home)}});
  }
  // "" when there is none; with "$" for the folder.
  std::string fault(const std::string& text, const std::string& home = "$/home") const {
    EffectiveConfig effective = build(text, home);
    effective.config.file = file;
    std::string told;
    try {
      checkPrivatePlaces(effective);
    } catch (const ConfigError& error) {
      told = error.what();
    }
    const std::string own = folder.path().string();
    for (std::size_t at = told.find(own); at != std::string::npos; at = told.find(own))
      told.replace(at, own.size(), "$");
    return told;
  }
  bool isFault(const std::string& text) const { return !fault(text).empty(); }

  TempFolder folder;
  std::string file;
};

const std::string kRoot = "[storage]\nroot = $/root\n";

}  // namespace

TEST_CASE("a root that holds the daemon's own data is refused, with the place, the root and what to do") {
  Setting setting;
  CHECK(setting.fault(kRoot).empty());
  CHECK(setting.fault("[storage]\nroot = $/home\n") ==
        "f.conf:2: the state folder $/home/.local/state/ftpd ([server] state) lies inside the root $/home ([storage] "
        "root), so clients could fetch or replace it; serve another folder, or keep the daemon's own data elsewhere: "
        "server.state (FTPD_SERVER__STATE), for example as $/home/.ftpd/state, which no client reaches");
  CHECK(setting.fault("[storage]\nroot = $/home\n[server]\nstate = $/home/.ftpd/state\n").empty());
  CHECK(setting.isFault("[storage]\nroot = $/home\n[server]\nstate = $/home/x/.ftpd/state\n"));
  CHECK(setting.isFault("[storage]\nroot = $/home\n[server]\nstate = $/home\n"));
  CHECK(setting.isFault("[storage]\nroot = $/state/tls\n[server]\nstate = $/state\n"));
  CHECK(setting.fault("[storage]\nroot = $/state/files\n[server]\nstate = $/state\n").empty());
  CHECK(setting.fault("[storage]\nroot = $/home2\n[server]\nstate = $/home\n").empty());
}

TEST_CASE("the daemon's own data lies out of reach where nobody has said where it is to be, and is never left behind") {
  Setting setting;
  const auto kept = [&](const std::string& text) {
    EffectiveConfig effective = setting.build(text);
    keepStateOutOfReach(effective);
    CHECK(effective.config.warnings.empty() ==
          (effective.config.state == setting.replaced("$/home/.local/state/ftpd")));
    return effective.config.state;
  };
  CHECK(kept(kRoot) == setting.replaced("$/home/.local/state/ftpd"));
  CHECK(kept("[storage]\nroot = $/home\n") == setting.replaced("$/home/.ftpd/state"));
  CHECK(kept("[root a]\npath = $/root\n[root b]\npath = $/home/.local\n") ==
        setting.replaced("$/home/.local/.ftpd/state"));
  CHECK(kept("[storage]\nroot = $/home\n[server]\nstate = $/home/.local/state/ftpd\n") ==
        setting.replaced("$/home/.local/state/ftpd"));
  fs::create_directories(setting.folder.path() / "home/.local/state/ftpd/tls");
  CHECK(kept("[storage]\nroot = $/home\n") == setting.replaced("$/home/.local/state/ftpd"));
}

TEST_CASE("a root that is no folder, and an owner that nobody knows, are told before the start") {
  Setting setting;
  const auto fault = [&](const std::string& text) {
    try {
      checkRoots(setting.build(text));
      return std::string();
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
  };
  CHECK(fault(kRoot).empty());
  CHECK(fault("[storage]\nroot = $/none\n").empty());
  CHECK(fault("[root a]\npath = /etc/passwd\n") == "f.conf:2: the root /etc/passwd ([root a]) is not a folder");
  CHECK(fault("[storage]\nroot = /etc/passwd\n") == "f.conf:2: the root /etc/passwd ([storage] root) is not a folder");
  CHECK(fault("[root a]\npath = $/root\nowner = no-such-user-here\n") ==
        "f.conf:3: this system has no user 'no-such-user-here'");
}

TEST_CASE("what has no effect where it stands is a warning with its place") {
  Setting setting;
  const auto warnings = [&](const std::string& text) {
    EffectiveConfig effective = setting.build(text);
    noteIdleSettings(effective);
    return effective.config.warnings;
  };
  CHECK(warnings(kRoot + "[user anna]\nallow = /: all exec\n").empty());
  CHECK(warnings("[root a]\npath = /a\n").empty());
  CHECK(warnings("[storage]\nroot = /b\n[root a]\npath = /a\n") ==
        std::vector<std::string>{
            "f.conf:2: the root /b is not served: there are [root NAME] sections, and only these are"});
  CHECK(warnings("[user anna]\nallow = pub: exec\n") ==
        std::vector<std::string>{"f.conf:2: [user anna] allow: 'pub: exec' allows no command: exec belongs to no "
                                 "folder and counts for '/' only"});
  CHECK(warnings("[user anna]\nallow = h/x: exec\nhome = h/x\n").empty());
}

TEST_CASE("users, keys, authorities, logs, sockets and the configuration itself are looked for in every root") {
  Setting setting;
  const std::string roots = "[root a]\npath = $/other\n[root b]\npath = $/root\n";
  CHECK(setting.fault(roots + "[access]\nusers = $/root/users\n") ==
        "f.conf:6: the users file $/root/users ([access] users) lies inside the root $/root ([root b]), so clients "
        "could fetch or replace it; move it out of the root, or serve a folder beside it");
  for (const char* const line : {"[tls]\ncertificate = $/root/a\nkey = $/k", "[tls]\ncertificate = $/c\nkey = $/root/k",
                                 "[tls]\nclient_ca = $/root/d/ca", "[audit]\nfile = $/root/log",
                                 "[exec]\nmode = shell\nsocket = $/root/socket"}) {
    CAPTURE(line);
    CHECK(setting.isFault(roots + line + "\n"));
  }
  CHECK_FALSE(setting.isFault(roots + "[audit]\nfile = $/log\n"));
  setting.file = setting.replaced("$/root/ftpd.conf");
  CHECK(setting.fault(kRoot).starts_with("f.conf:2: the configuration file $/root/ftpd.conf (--config) lies inside"));
}

TEST_CASE("links are followed, and one inside a root that leads out of it can be replaced") {
  Setting setting;
  fs::create_directories(setting.folder.path() / "out");
  fs::create_directory_symlink(setting.folder.path() / "root", setting.folder.path() / "in");
  fs::create_directory_symlink("../out", setting.folder.path() / "root/way");
  CHECK(setting.isFault(kRoot + "[access]\nusers = $/in/users\n"));
  CHECK(setting.isFault(kRoot + "[access]\nusers = $/root/way/users\n"));
  CHECK(setting.isFault("[storage]\nroot = $/in\n[access]\nusers = $/root/x/users\n"));
  CHECK_FALSE(setting.isFault(kRoot + "[access]\nusers = $/out/users\n"));
  CHECK_FALSE(setting.isFault(kRoot + "[access]\nusers = $/in/../users\n"));
  fs::create_symlink("loop", setting.folder.path() / "loop");
  CHECK_FALSE(setting.isFault(kRoot + "[access]\nusers = $/loop/users\n"));
}
