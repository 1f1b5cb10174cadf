#include "server/options.h"

#include <CLI/CLI.hpp>
#include <string_view>
#include <utility>

#include "common/command_line_fault.h"
#include "common/error.h"
#include "common/version.h"
#include "server/access/root_checks.h"
#include "server/access/users_place.h"
#include "server/network/server_tls.h"
#include "server/sandbox/sandbox.h"
#include "server/session/commands.h"

namespace ft {
namespace {

constexpr std::string_view kFooter =
    "Every setting can also be given in the configuration file (--config FILE, else the file that FTPD_CONFIG names,\n"
    "else none) and in the environment as FTPD_<SECTION>__<KEY>, e.g. FTPD_STORAGE__ROOT. An option wins over the\n"
    "environment, the environment over the file, the file over the built-in default. --print-config shows all of\n"
    "them and where each comes from.\n\n"
    "ftpd user --help: who may log in.\n"
    "SIGTERM and SIGINT end the daemon: running transfers get [server] drain_timeout to finish.\n"
    "Exit code: 0 after a signal, 2 when the configuration is wrong or a port is taken,\n"
    "1 when what was asked for cannot be printed.\n";

// An option that is another way to say a key of the configuration.
struct SettingOption {
  const char* option;
  const char* section;
  const char* key;
  const char* placeholder;
  const char* help;
};

constexpr std::array kSettingOptions{
    SettingOption{"--root", "storage", "root", "DIR",
                  "Folder of the files (default: $XDG_DATA_HOME/ftpd or ~/.local/share/ftpd)"},
    SettingOption{"--workers", "server", "workers", "N", "Threads that serve requests"},
    SettingOption{"--log-level", "log", "level", "LEVEL", "trace, debug, info, warn or error"},
    SettingOption{"--log-format", "log", "format", "FORMAT", "text or json"},
};

// What the command line says, as it stands there.
struct CommandLine {
  std::array<std::string, kSettingOptions.size()> values;
  std::vector<std::string> listen;
  std::string config;
  bool insecureNoAuth = false;
  bool checkConfig = false;
  bool printConfig = false;
  bool listCommands = false;
  bool printFingerprint = false;
};

void declareOptions(CLI::App& app, CommandLine& line) {
  using Policy = CLI::MultiOptionPolicy;
  app.set_help_flag("-h,--help", "Print this help");
  app.set_version_flag("--version", "ftpd " + std::string(kVersion), "Print the version");
  app.add_option("--listen", line.listen, "Address to listen on; may be repeated (default: 127.0.0.1:7021)")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);
  app.add_option("--config", line.config, "Configuration file")
      ->type_name("FILE")
      ->multi_option_policy(Policy::TakeLast);
  for (std::size_t i = 0; i < kSettingOptions.size(); ++i) {
    const SettingOption& row = kSettingOptions[i];
    app.add_option(row.option, line.values[i], row.help)
        ->type_name(row.placeholder)
        ->multi_option_policy(Policy::TakeLast);
  }
  app.add_flag("--insecure-no-auth", line.insecureNoAuth,
               "Listen on addresses that others can reach, though nobody has to log in and nothing is encrypted");
  app.add_flag("--check-config", line.checkConfig, "Say what is wrong with the configuration, and end");
  app.add_flag("--print-config", line.printConfig, "Print the configuration that is in effect, and end");
  app.add_flag("--print-fingerprint", line.printFingerprint,
               "Print the fingerprint of the daemon's key, by which clients know it, and end");
  app.add_flag("--list-commands", line.listCommands, "Print the commands of the protocol that are served, and end");
  app.footer(std::string(kFooter));
}

// `app` has read the arguments, or the result is what --help or --version print.
std::optional<std::string> parseArguments(CLI::App& app, const std::vector<std::string>& arguments) {
  // CLI11 takes them in reverse, and for the value of "--root=" the argument behind it.
  std::vector<std::string> reversed;
  for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument) {
    const bool emptyValue = argument->starts_with("--") && argument->ends_with('=');
    if (emptyValue) reversed.emplace_back();
    reversed.push_back(emptyValue ? argument->substr(0, argument->size() - 1) : *argument);
  }
  try {
    app.parse(std::move(reversed));
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::CallForVersion& version) {
    return std::string(version.what()) + "\n";
  } catch (const CLI::ParseError& error) {
    const std::vector<std::string> left = app.remaining(true);
    if (!left.empty() && left.front() == "user") {
      throw ConfigError("'user' must be the first word, and its options follow it: ftpd user --config FILE list");
    }
    throw ConfigError(commandLineFault(app, error));
  }
}

std::vector<ConfigSetting> settingsFromOptions(const CLI::App& app, const CommandLine& line) {
  std::vector<ConfigSetting> settings;
  if (!line.listen.empty()) {
    std::string all;
    for (const std::string& address : line.listen) all += (all.empty() ? "" : ",") + address;
    settings.push_back({"server", "listen", all, "--listen"});
  }
  for (std::size_t i = 0; i < kSettingOptions.size(); ++i) {
    const SettingOption& row = kSettingOptions[i];
    if (app.count(row.option) == 0) continue;
    // Mostly a variable that was not set; the default is not what was meant.
    if (line.values[i].empty()) throw ConfigError(std::string(row.option) + ": the value is empty");
    settings.push_back({row.section, row.key, line.values[i], row.option});
  }
  if (line.insecureNoAuth) settings.push_back({"server", "insecure_no_auth", "yes", "--insecure-no-auth"});
  return settings;
}

std::string commandNames() {
  std::string names;
  for (const Command& command : commandTable()) names.append(command.name).append("\n");
  return names;
}

std::string goodConfiguration(const std::vector<std::string>& warnings, const std::string& doubt) {
  std::string text;
  for (const std::string& warning : warnings) text += "ftpd: warning: " + warning + "\n";
  return text + "ftpd: the configuration is good" +
         (doubt.empty() ? "" : ", but " + doubt + ", and clients refuse it") + "\n";
}

template <typename T>
void append(std::vector<T>& all, std::vector<T> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

Invocation readInvocation(const std::vector<std::string>& arguments, const Environment& environment) {
  CLI::App app("ftpd: serves a folder tree over one TCP port", "ftpd");
  CommandLine line;
  declareOptions(app, line);
  if (auto text = parseArguments(app, arguments)) return {std::move(*text), {}};
  if (line.listCommands) return {commandNames(), {}};

  SystemService service = systemService();
  // Which configuration a daemon is started with is never guessed.
  if (!line.printFingerprint) service.mayBeMeant = false;
  const std::string file = app.count("--config") > 0 ? line.config : configFileMeant("", environment, service);
  std::vector<ConfigSetting> settings;
  if (app.count("--config") > 0 || !file.empty()) settings = settingsFromFile(file);
  append(settings, settingsFromEnvironment(environment));
  append(settings, settingsFromOptions(app, line));

  const bool asks = line.printConfig || line.printFingerprint || line.checkConfig;
  EffectiveConfig effective =
      buildConfig(settings, asks ? environmentFor(file, environment, systemService()) : environment);
  keepStateOutOfReach(effective);
  noteIdleSettings(effective);
  append(effective.config.warnings, unreadVariables(environment));
  checkExposure(effective);
  if (line.printConfig) return {printConfig(effective), {}};
  const TlsConfig& tls = effective.config.tls;
  if (line.printFingerprint) {
    if (tls.mode == TlsMode::Off) throw ConfigError("there is no fingerprint: TLS is switched off ([tls] mode)");
    return {ServerTls(tls, effective.config.state).fingerprint() + "\n", {}};
  }
  effective.config.file = file;
  checkPrivatePlaces(effective);
  // Files of one's own are made at the start only.
  const bool named = !tls.certificate.empty() || !tls.key.empty();
  if (line.checkConfig) {
    checkRoots(effective);
    if (!effective.config.user.empty()) accountToBecome(effective.config.user);
    std::string doubt;
    if (tls.mode != TlsMode::Off && named) doubt = ServerTls(tls, effective.config.state).doubt();
    return {goodConfiguration(effective.config.warnings, doubt), {}};
  }
  return {std::nullopt, std::move(effective.config)};
}

}  // namespace ft
