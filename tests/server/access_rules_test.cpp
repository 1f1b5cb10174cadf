#include "server/config/access_rules.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "common/error.h"
#include "server/config/config.h"

using namespace ft;

namespace {

std::vector<ConfigSetting> settingsOf(const std::string& text) {
  std::vector<ConfigSetting> settings;
  for (const IniEntry& entry : parseIni(text, "f.conf")) {
    settings.push_back({entry.section, entry.key, entry.value, "f.conf:" + std::to_string(entry.line)});
  }
  return settings;
}

EffectiveConfig build(const std::string& text) { return buildConfig(settingsOf(text), {{"HOME", "/home/someone"}}); }

std::string faultsOf(const std::string& text) {
  try {
    build(text);
    return "";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a folder's {user} is the user's name, whatever that is") {
  CHECK(withUser("homes/{user}/of-{user}", "anna") == "homes/anna/of-anna");
  CHECK(withUser("homes/{user}", "{user}") == "homes/{user}");
  CHECK(withUser("pub", "anna") == "pub");
}

TEST_CASE("roots and users are read with all their keys, and where each was given") {
  const AccessRules rules =
      build(
          "[root pub]\npath = /srv/pub/\nread_only = yes\nlist = no\nhide = *.tmp .git\nmax_file_size = 1GiB\n"
          "max_age = 7d\nfile_mode = 0640\ndir_mode = 0750\numask = 027\nowner = 0\ngroup = root\n"
          "[user anna]\nallow = /pub/: read ; /homes/{user}:all; pub/in: put, mkdir\nhome = homes/{user}\n"
          "quota_bytes = 10MiB\nquota_files = 7\nrate = 1MiB\nconnections = 3\ntransfers = 2\n"
          "[root homes]\npath = /srv/homes\n")
          .config.access;
  REQUIRE(rules.roots.size() == 2);
  const RootRules& root = rules.roots[0];
  CHECK(root.path.value == "/srv/pub");
  CHECK(root.path.origin == "f.conf:2");
  CHECK(root.readOnly.value);
  CHECK_FALSE(root.list.value);
  CHECK(root.hide.value == std::vector<std::string>{"*.tmp", ".git"});
  CHECK(root.maxFileSize.value == std::uint64_t{1} << 30);
  CHECK(root.maxAge.value == std::chrono::hours(24 * 7));
  CHECK(root.fileMode.value == 0640);
  CHECK(root.folderMode.value == 0750);
  CHECK(root.umask.value == 027);
  const UserRules* const anna = rules.findUser("anna");
  REQUIRE(anna != nullptr);
  REQUIRE(anna->allow.value.size() == 3);
  CHECK(anna->allow.value[0].prefix == "pub");
  CHECK(anna->allow.value[0].verbs == VerbSet{Verb::List, Verb::Get});
  CHECK(anna->allow.value[1].prefix == "homes/{user}");
  CHECK_FALSE(anna->allow.value[1].verbs.has(Verb::Exec));
  CHECK(anna->allow.value[2].verbs == VerbSet{Verb::Put, Verb::Mkdir});
  CHECK(anna->allow.origin == "f.conf:14");
  CHECK(anna->home.value == "homes/{user}");
  CHECK(anna->quotaBytes.value == 10 * 1024 * 1024);
  CHECK(anna->quotaFiles.value == 7);
  CHECK(anna->connections.value == 3);
}

TEST_CASE("a drop box that says nothing of lists is not listed") {
  const AccessRules rules =
      build("[root a]\npath = /a\nwrite_only = yes\n[root b]\npath = /b\nwrite_only = yes\nlist = yes\n").config.access;
  CHECK_FALSE(rules.roots[0].list.value);
  CHECK(rules.roots[1].list.value);
}

TEST_CASE("what is wrong with a rule is told with its line and in words") {
  const auto user = [](const std::string& line) { return faultsOf("[user anna]\n" + line + "\n"); };
  const auto root = [](const std::string& line) { return faultsOf("[root pub]\npath = /p\n" + line + "\n"); };
  CHECK(user("allow = pub: gett") == "f.conf:2: 'allow': 'gett' is not a verb; did you mean 'get'?");
  CHECK(user("allow = pub") == "f.conf:2: 'allow': 'pub' has no 'PREFIX:' before its verbs ('/' is all)");
  CHECK(user("allow = pub:") == "f.conf:2: 'allow': after the ':' the verbs are missing ('none' for none)");
  CHECK(user("allow = pub: get; /pub/: put") == "f.conf:2: 'allow': 'pub' stands there twice");
  CHECK(user("allow = {usr}: get").starts_with("f.conf:2: 'allow': in '{usr}' only {user}"));
  CHECK(user("allow = a/../b: get").starts_with("f.conf:2: 'allow': "));
  CHECK(user("alow = /: all") == "f.conf:2: unknown key 'alow' in [user anna]; did you mean 'allow'?");
  CHECK(user("home = /") == "f.conf:2: 'home' must be a folder below the top, such as homes/{user}, not '/'");
  CHECK(user("transfers = 0") == "f.conf:2: 'transfers' must be a number, at least 1, not '0'");
  CHECK(user("quota_bytes = 1GiB") ==
        "f.conf:2: [user anna] has a quota and no 'home': the home is the folder that is counted");
  CHECK(user("allow = /: get\nallow = /: put") == "f.conf:3: 'allow' was set before, at f.conf:2");
  CHECK(root("hide = a/b").starts_with("f.conf:3: 'hide' must be patterns"));
  CHECK(root("file_mode = 0400").starts_with("f.conf:3: 'file_mode' must be octal"));
  CHECK(root("umask = 0700").starts_with("f.conf:3: 'umask' must be octal"));
  CHECK(root("read_only = yes\nwrite_only = yes") == "f.conf:2: [root pub] is both read_only and write_only");
  CHECK(faultsOf("[root pub]\nlist = no\n") == "f.conf:2: [root pub] has no 'path'");
  CHECK(faultsOf("[root pub]\npath = pub\n") == "f.conf:2: 'path' must be an absolute path, not 'pub'");
  CHECK(faultsOf("[root a]\npath = /srv\n[root b]\npath = /srv/b\n") ==
        "f.conf:4: [root b] and [root a] share a folder: one path is inside the other");
  CHECK(faultsOf("[root a]\npath = /srv\n[user x]\nallow = b: get\n") ==
        "f.conf:4: [user x] allow names 'b', but there is no [root b]");
  CHECK(faultsOf("[root .ftpd]\npath = /srv\n").starts_with("f.conf:2: [root .ftpd] is no name for a folder"));
  CHECK(faultsOf("[user " + std::string(33, 'a') + "]\nallow = /: get\n").starts_with("f.conf:2: [user aaa"));
}

TEST_CASE("a home inside another one is refused when both have a quota, as what is in it could not count in both") {
  const std::string quota = "quota_bytes = 1MiB\n";
  const auto carl = [&](const std::string& home) { return "[user carl]\nhome = " + home + "\n" + quota; };
  CHECK(faultsOf("[user anna]\nhome = h/carl\n" + quota + carl("h/carl/sub")) ==
        "f.conf:5: the home 'h/carl/sub' of [user carl] lies inside the home 'h/carl' of [user anna], and both have a "
        "quota: what is in it could not count in both");
  CHECK_FALSE(faultsOf("[user *]\nhome = h/{user}\n" + quota + "[user carl]\nhome = h\n").empty());
  CHECK_FALSE(faultsOf("[user *]\nhome = h/{user}\n" + quota + carl("h/dora/x")).empty());
  CHECK_FALSE(faultsOf("[user *]\nhome = h/{user}\n" + quota + "[user dora]\nrate = 1\n" + carl("h/dora/x")).empty());
  CHECK(faultsOf("[user *]\nhome = h/{user}\n" + quota + carl("h/carl/x")).empty());
  CHECK(faultsOf("[user *]\nhome = h/{user}\n" + quota + "[user dora]\nquota_bytes = 2MiB\n").empty());
  CHECK(faultsOf("[user *]\nhome = h/{user}\n" + carl("h")).empty());
  CHECK(faultsOf("[user anna]\nhome = h\n" + carl("h/x")).empty());
  CHECK(faultsOf("[user anna]\nhome = h/x\n" + quota + carl("h/x") + "[user dora]\nhome = h/xy\n" + quota).empty());
}

TEST_CASE("the manual has every key of roots and users") {
  std::ifstream file(FT_SOURCE_DIR "/docs/man/ftpd.conf.5");
  const std::string manual{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  for (const char* const section : {"root x", "user x"}) {
    for (const std::string_view key : accessKeys(section)) {
      CAPTURE(key);
      const std::string word(key);
      const bool has = manual.find(".B " + word + "\n") != std::string::npos ||
                       manual.find(".BR " + word) != std::string::npos ||
                       manual.find(" \", \" " + word) != std::string::npos;
      CHECK(has);
    }
  }
}

TEST_CASE("rules are printed as they were given, and read back the same") {
  const std::string text = "[root pub]\npath = /srv/pub\n[user *]\nallow = pub: read\nhome = pub/{user}\n";
  const EffectiveConfig first = build(text);
  const EffectiveConfig second = build(printConfig(first));
  REQUIRE(second.config.accessEntries.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(second.config.accessEntries[i].section == first.config.accessEntries[i].section);
    CHECK(second.config.accessEntries[i].key == first.config.accessEntries[i].key);
    CHECK(second.config.accessEntries[i].value == first.config.accessEntries[i].value);
  }
}
