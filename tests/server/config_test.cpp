#include "server/config/config.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "common/error.h"
#include "common/unique_fd.h"

using namespace ft;

namespace {

const Environment kHome{{"HOME", "/home/someone"}};

EffectiveConfig build(const std::vector<ConfigSetting>& settings) { return buildConfig(settings, kHome); }

// The message of what is wrong with these settings, or "".
std::string faultsOf(const std::vector<ConfigSetting>& settings) {
  try {
    build(settings);
    return "";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

std::string faultOf(const std::string& section, const std::string& key, const std::string& value) {
  return faultsOf({{section, key, value, "f.conf:12"}});
}

std::vector<ConfigSetting> settingsOf(const std::string& ini) {
  std::vector<ConfigSetting> settings;
  for (const IniEntry& entry : parseIni(ini, "f.conf")) {
    settings.push_back({entry.section, entry.key, entry.value, "f.conf:" + std::to_string(entry.line)});
  }
  return settings;
}

// All values as the table prints them.
std::vector<std::string> valuesOf(const ServerConfig& config) {
  std::vector<std::string> values;
  for (const ConfigKey& key : configKeys()) values.push_back(key.print(config));
  return values;
}

struct TemporaryFile {
  explicit TemporaryFile(const std::string& text) {
    const UniqueFd fd(::mkstemp(path.data()));
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~TemporaryFile() { ::unlink(path.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path = "/tmp/config-test-XXXXXX";
};

}  // namespace

TEST_CASE("without any setting the built-in defaults are in effect") {
  const EffectiveConfig effective = build({});
  CHECK(effective.config.listen == std::vector<std::string>{"127.0.0.1:7021"});
  CHECK(effective.config.workers == 32);
  CHECK(effective.config.root == "/home/someone/.local/share/ftpd");
  CHECK(effective.config.durability == DiskStorageOptions::Durability::Full);
  CHECK(std::all_of(effective.origins.begin(), effective.origins.end(),
                    [](const auto& origin) { return origin == "default"; }));
}

TEST_CASE("the files' folder follows the XDG rules") {
  CHECK(defaultRoot({{"XDG_DATA_HOME", "/data"}, {"HOME", "/h"}}) == "/data/ftpd");
  CHECK(defaultRoot({{"XDG_DATA_HOME", ""}, {"HOME", "/h"}}) == "/h/.local/share/ftpd");
  CHECK(defaultRoot({{"XDG_DATA_HOME", "relative"}, {"HOME", "/h"}}) == "/h/.local/share/ftpd");
}

TEST_CASE("each key takes a value of its kind") {
  const ServerConfig config =
      build(settingsOf("[server]\nlisten = localhost:1, [::1]:2 ,127.9.9.9:0\nworkers = 4\nmax_connections = 100\n"
                       "max_per_address = 7\nheader_timeout = 500ms\nidle_timeout = 2h\ndrain_timeout = 0s\n"
                       "insecure_no_auth = yes\n[storage]\nroot = /srv/a b\ndurability = file\nmin_free = 1GiB\n"
                       "part_expire = 1d\nfile_mode = 0600\ndir_mode = 700\n[log]\nlevel = debug\nformat = json\n"))
          .config;
  CHECK(config.listen == std::vector<std::string>{"localhost:1", "[::1]:2", "127.9.9.9:0"});
  CHECK(config.workers == 4);
  CHECK(config.maxConnections == 100);
  CHECK(config.maxPerAddress == 7);
  CHECK(config.headerTimeout == std::chrono::milliseconds(500));
  CHECK(config.idleTimeout == std::chrono::hours(2));
  CHECK(config.drainTimeout == std::chrono::milliseconds(0));
  CHECK(config.insecureNoAuth);
  CHECK(config.root == "/srv/a b");
  CHECK(config.durability == DiskStorageOptions::Durability::File);
  CHECK(config.minFree == std::uint64_t{1} << 30);
  CHECK(config.partExpire == std::chrono::hours(24));
  CHECK(config.fileMode == 0600);
  CHECK(config.folderMode == 0700);
  CHECK(config.logLevel == LogLevel::Debug);
  CHECK(config.logFormat == LogFormat::Json);
}

TEST_CASE("a bad value is refused with its place, its key and what it must be") {
  CHECK(faultOf("server", "workers", "many") == "f.conf:12: 'workers' must be a number from 1 to 1024, not 'many'");
  CHECK(faultOf("log", "level", "loud") == "f.conf:12: 'level' must be trace, debug, info, warn or error, not 'loud'");
  CHECK(faultOf("server", "idle_timeout", "0s") ==
        "f.conf:12: 'idle_timeout' must be a time like 500ms, 10s, 5m or 7d, at least 1ms, not '0s'");
  CHECK(faultOf("log", "format", "x\x1b[2J") == "f.conf:12: 'format' must be text or json, not 'x\\x1b[2J'");
}

TEST_CASE("values at the edges are told apart from those beyond") {
  for (const char* const value : {"0", "1025", "-1", "+4", "4.0", "4 ", "", "0x4"}) {
    CHECK_FALSE(faultOf("server", "workers", value).empty());
  }
  for (const char* const value : {"1", "1024"}) CHECK(faultOf("server", "workers", value) == "");
  for (const char* const value : {"yes", "no"}) CHECK(faultOf("server", "insecure_no_auth", value) == "");
  for (const char* const value : {"", "true", "1", "Yes"})
    CHECK_FALSE(faultOf("server", "insecure_no_auth", value).empty());
  for (const char* const value : {"", "0", "0400", "01000", "0888", "rw"})
    CHECK_FALSE(faultOf("storage", "file_mode", value).empty());
  for (const char* const value : {"0600", "0777", "644"}) CHECK(faultOf("storage", "file_mode", value) == "");
  for (const char* const value : {"0600", "0500"}) CHECK_FALSE(faultOf("storage", "dir_mode", value).empty());
  CHECK_FALSE(faultOf("storage", "min_free", "lots").empty());
  CHECK_FALSE(faultOf("storage", "root", "~/files").empty());
}

TEST_CASE("an address to listen on is HOST:PORT or [IPV6]:PORT") {
  for (const char* const value : {"127.0.0.1:0", "127.0.0.1:65535", "localhost:7021", "[::1]:7021",
                                  "127.0.0.1:1, [::1]:1", "unix:/run/ftpd/ftpd.sock", "127.0.0.1:0, unix:/a"}) {
    CAPTURE(value);
    CHECK(faultOf("server", "listen", value) == "");
  }
  for (const char* const value :
       {"", "127.0.0.1", ":7021", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:x", "::1:7021", "[]:7021",
        "[::1]", "127.0.0.1:1,", "127.0.0.1:1,,127.0.0.1:2", "127.0.0.1 :1", "/run/x:1", "unix:", "unix:/", "unix:a"}) {
    CAPTURE(value);
    CHECK_FALSE(faultOf("server", "listen", value).empty());
  }
}

TEST_CASE("an address that others can reach is refused without TLS, unless it is permitted in so many words") {
  for (const char* const address :
       {"0.0.0.0:7021", "[::]:7021", "192.168.1.2:7021", "example.org:7021", "[::ffff:10.0.0.1]:7021",
        "127.0.0.1:1, 10.0.0.1:1", "localhost.example.org:1", "128.0.0.1:1"}) {
    CAPTURE(address);
    const std::string fault =
        faultsOf({{"server", "listen", address, "f.conf:12"}, {"tls", "mode", "off", "f.conf:13"}});
    CHECK(faultOf("server", "listen", address).empty());
    CHECK(fault.starts_with("f.conf:12: refusing to listen on '"));
    CHECK(fault.find("--insecure-no-auth") != std::string::npos);
    CHECK(faultsOf({{"server", "listen", address, "--listen"},
                    {"server", "insecure_no_auth", "yes", "--insecure-no-auth"}}) == "");
  }
  for (const char* const address : {"127.0.0.1:1", "127.255.0.1:1", "[::1]:1", "localhost:1", "[::ffff:127.0.0.1]:1"}) {
    CAPTURE(address);
    CHECK(isLoopbackAddress(address));
  }
}

TEST_CASE("an unknown key is refused with its line and the nearest key") {
  CHECK(faultOf("server", "lissten", "x") == "f.conf:12: unknown key 'lissten' in [server]; did you mean 'listen'?");
  CHECK(faultOf("server", "banana", "x") ==
        "f.conf:12: unknown key 'banana' in [server]; its keys are listen, workers, max_connections, max_per_address, "
        "header_timeout, idle_timeout, "
        "drain_timeout, insecure_no_auth, socket_mode, user, sandbox, plain_form, state");
  CHECK(faultOf("server", "durability", "full") ==
        "f.conf:12: unknown key 'durability' in [server]; it belongs in [storage]");
  const std::vector<ConfigSetting> empty{{"servr", "", "", "f.conf:3"},
                                         {"servr", "listen", "x", "f.conf:4"},
                                         {"log", "", "", "f.conf:5"},
                                         {"access", "", "", "f.conf:6"},
                                         {"exec", "", "", "f.conf:7"}};
  CHECK_THROWS_WITH_AS(buildConfig(empty, kHome), "f.conf:3: unknown section [servr]; did you mean '[server]'?",
                       ConfigError);
  CHECK(faultOf("servr", "listen", "x") == "f.conf:12: unknown section [servr]; did you mean '[server]'?");
  CHECK(faultOf("", "listen", "x") ==
        "f.conf:12: unknown key 'listen' before the first section; it belongs in [server]");
}

TEST_CASE("a section with a name and without keys is a fault, as what it was to do is not done") {
  for (const char* const section : {"root pub", "user anna", "user *", "exec.df"}) {
    const std::string expected = "f.conf:3: [" + std::string(section) + "] is empty: give it keys, or take it out";
    CHECK(faultsOf({{section, "", "", "f.conf:3"}}) == expected);
  }
  CHECK(faultsOf({{"root pub", "", "", "f.conf:3"}, {"root pub", "path", "/srv/pub", "f.conf:4"}}) == "");
}

TEST_CASE("a certificate without its key is told where it stands") {
  CHECK(faultOf("tls", "certificate", "/a.pem") ==
        "f.conf:12: 'certificate' is named and 'key' is not: [tls] needs both, or none for a certificate of its own");
  CHECK(faultOf("tls", "key", "/a.pem").starts_with("f.conf:12: 'key' is named and 'certificate' is not: "));
  CHECK(faultsOf(settingsOf("[tls]\ncertificate = /a.pem\nkey = /b.pem\n")) == "");
}

TEST_CASE("all faults are told at once, one a line") {
  CHECK(faultsOf(settingsOf(
            "[server]\nworkers = 0\nfoo_bar = 1\nlisten = 10.0.0.1:1\n[log]\nlevel = x\n[tls]\nmode = off\n")) ==
        "f.conf:2: 'workers' must be a number from 1 to 1024, not '0'\n"
        "f.conf:3: unknown key 'foo_bar' in [server]; its keys are listen, workers, max_connections, max_per_address, "
        "header_timeout, idle_timeout, "
        "drain_timeout, insecure_no_auth, socket_mode, user, sandbox, plain_form, state\n"
        "f.conf:6: 'level' must be trace, debug, info, warn or error, not 'x'\n"
        "f.conf:4: refusing to listen on '10.0.0.1:1', which is not a loopback address, without TLS (tls.mode): "
        "passwords and files could be read and changed on their way; --insecure-no-auth permits it all the same");
}

TEST_CASE("a key twice in one file is refused, and the place of the first is told") {
  CHECK(faultsOf(settingsOf("[log]\nlevel = info\n[server]\nworkers = 1\n[log]\nlevel = warn\n")) ==
        "f.conf:6: 'level' was set before, at f.conf:2");
}

TEST_CASE("a later source wins over an earlier one, and the origin is remembered") {
  const EffectiveConfig effective = build({{"log", "level", "warn", "f.conf:2"},
                                           {"log", "level", "debug", "FTPD_LOG__LEVEL"},
                                           {"server", "workers", "3", "f.conf:4"}});
  CHECK(effective.config.logLevel == LogLevel::Debug);
  const std::string text = printConfig(effective);
  CHECK(text.find("# from: FTPD_LOG__LEVEL\nlevel = debug\n") != std::string::npos);
  CHECK(text.find("# from: f.conf:4\nworkers = 3\n") != std::string::npos);
  CHECK(text.find("# from: default\nformat = text\n") != std::string::npos);
}

TEST_CASE("every key can be given in the environment, and nothing else of that form") {
  for (const ConfigKey& key : configKeys()) {
    const std::string name = environmentName(key);
    const std::vector<ConfigSetting> settings = settingsFromEnvironment({{name, "v"}});
    CAPTURE(name);
    REQUIRE(settings.size() == 1);
    CHECK(settings[0].section == key.section);
    CHECK(settings[0].key == key.key);
    CHECK(settings[0].origin == name);
  }
  CHECK(
      settingsFromEnvironment({{"FTPD_BIN", "/x"}, {"FTPD_CONFIG", "/y"}, {"PATH", "/z"}, {"OTHER__X", "1"}}).empty());
  CHECK(faultsOf(settingsFromEnvironment({{"FTPD_SERVER__LISSTEN", "x"}})) ==
        "FTPD_SERVER__LISSTEN: no such setting; did you mean 'FTPD_SERVER__LISTEN'?");
  CHECK(faultsOf(settingsFromEnvironment({{"FTPD_LOG__LEVEL", "x"}})) ==
        "FTPD_LOG__LEVEL: the value must be trace, debug, info, warn or error, not 'x'");
}

TEST_CASE("what is printed reads back as the same configuration") {
  const EffectiveConfig effective =
      build(settingsOf("[server]\nlisten = 0.0.0.0:1, [::1]:2\ninsecure_no_auth = yes\nidle_timeout = "
                       "90s\n[storage]\nroot = \" /odd \"\n"
                       "min_free = 12345\nfile_mode = 0640\n"));
  CHECK(effective.config.root == " /odd ");
  CHECK(valuesOf(build(settingsOf(printConfig(effective))).config) == valuesOf(effective.config));
}

TEST_CASE("the shipped file has every key once, at its built-in default") {
  std::vector<ConfigSetting> shipped = settingsFromFile(FT_SOURCE_DIR "/config/ftpd.conf");
  CHECK(valuesOf(build(shipped).config) == valuesOf(build({}).config));
  std::set<std::pair<std::string, std::string>> inFile, inTable;
  std::erase_if(shipped, [](const ConfigSetting& setting) { return setting.key.empty(); });
  for (const ConfigSetting& setting : shipped) inFile.emplace(setting.section, setting.key);
  for (const ConfigKey& key : configKeys()) inTable.emplace(key.section, key.key);
  CHECK(inFile == inTable);
  CHECK(shipped.size() == inTable.size());
}

TEST_CASE("settings of a file carry its name and their lines") {
  const TemporaryFile file("[log]\n\nlevel = warn\n");
  const std::vector<ConfigSetting> settings = settingsFromFile(file.path);
  REQUIRE(settings.size() == 2);
  CHECK(settings[0].section == "log");
  CHECK(settings[0].key.empty());
  CHECK(settings[0].origin == file.path + ":1");
  CHECK(settings[1].origin == file.path + ":3");
  CHECK(settings[1].value == "warn");
}
