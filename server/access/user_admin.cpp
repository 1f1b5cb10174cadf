#include "server/access/user_admin.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <functional>
#include <ostream>

#include "common/command_line_fault.h"
#include "common/ed25519.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/secret.h"
#include "common/secret_input.h"
#include "common/units.h"
#include "server/access/gate.h"
#include "server/access/user_commands.h"
#include "server/access/users_file.h"

namespace ft {
namespace {

constexpr std::string_view kFooter =
    "Changes hold for the next log-in, and for open connections within a second. The users are kept in [access] users\n"
    "of the configuration (--config FILE, else the file that FTPD_CONFIG names, else for root the installed "
    "service's),\n"
    "or in the state folder; --users FILE names another file.\n"
    "A password is asked for on the terminal, or read from --password-file or --password-fd; never from the "
    "arguments.\n";

// What the arguments say, as it stands there.
struct Request {
  std::string config, users;
  std::string user, name, value;
  std::string passwordFile, lifetime, until;
  int passwordFd = -1;
  bool noPassword = false;
  bool json = false;
  bool explain = false;
  std::vector<std::string> verbs, prefixes;
  std::function<void(const UserCommands&)> action;
};

std::string askTwice(const std::string& user) {
  auto first = askSecret("New password of " + user + ": ");
  if (!first) {
    throw ConfigError("there is no terminal to ask for the password on: use --password-file or --password-fd");
  }
  auto again = askSecret("The same again: ");
  const bool same = again == first;
  if (again) wipe(*again);
  if (!same) {
    wipe(*first);
    throw ConfigError("the two are not the same; nothing was changed");
  }
  return std::move(*first);
}

std::string newPassword(const Request& request) {
  hideMemory();
  if (!request.passwordFile.empty()) return secretFromFile(request.passwordFile);
  if (request.passwordFd >= 0) return secretFromDescriptor(request.passwordFd);
  return askTwice(request.user);
}

UserCommands::TokenLimits tokenLimits(const Request& request) {
  UserCommands::TokenLimits limits;
  limits.verbs = request.verbs;
  limits.prefixes = request.prefixes;
  if (!request.until.empty()) {
    limits.until = parseMoment(request.until);
    if (!limits.until) throw ConfigError("--until must be a moment like 2027-01-31 or 2027-01-31T12:00:00Z");
    if (*limits.until <= thisMoment()) throw ConfigError("--until " + request.until + " is over already");
  } else if (!request.lifetime.empty()) {
    const auto time = parseDuration(request.lifetime);
    if (!time || time->count() <= 0) throw ConfigError("--for must be a time like 12h or 90d");
    limits.until = thisMoment() + std::chrono::floor<std::chrono::seconds>(*time);
  }
  return limits;
}

// The text of a public key, or the file that holds it.
std::string keyText(const std::string& value) {
  if (readPublicKey(value)) return value;
  std::ifstream file(value);
  std::string line;
  return std::getline(file, line) ? line : value;
}

// Declares the subcommands, each with what it does.
class Declaration {
 public:
  Declaration(CLI::App& app, Request& request, AdminConsole console) : app_(app), request_(request), console_(console) {
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--config", request.config, "Configuration file of the daemon")->type_name("FILE");
    app.add_option("--users", request.users, "The users file, instead of the configuration's")->type_name("FILE");
    app.footer(std::string(kFooter));
  }

  void accounts() {
    CLI::App* const add =
        user("add", "Add a user, with a password", [this](const UserCommands& users) { addUser(users); });
    passwordOptions(*add);
    add->add_flag("--no-password", request_.noPassword, "It logs in by key, token, certificate or uid");
    CLI::App* const passwd = user("passwd", "Set a user's password", [this](const UserCommands& users) {
      users.checkKnown(request_.user);
      setPassword(users);
    });
    passwordOptions(*passwd);
    user("rm", "Remove a user", [this](const UserCommands& users) { users.remove(request_.user); });
    user("disable", "Let a user not log in", [this](const UserCommands& users) { users.disable(request_.user, true); });
    user("enable", "Let it log in again", [this](const UserCommands& users) { users.disable(request_.user, false); });
    CLI::App* const list = command(app_, "list", "List all users and their ways to log in",
                                   [this](const UserCommands& users) { console_.out << users.list(request_.json); });
    list->add_flag("--json", request_.json, "One JSON object a line");
  }

  // Of the configuration, and not of the users file.
  void rules() {
    CLI::App* const explain = app_.add_subcommand("explain", "Tell whether a user may do that, and by which line");
    explain->fallthrough();
    explain->add_option("NAME", request_.user, "The user's name, or anonymous")->required()->type_name("");
    explain->add_option("VERB", request_.name, "list get put overwrite delete rename mkdir exec")
        ->required()
        ->type_name("");
    explain->add_option("PATH", request_.value, "The name, as the user sees it")->required()->type_name("");
    explain->callback([this] { request_.explain = true; });
  }

  void tokens() {
    CLI::App& both = *group("token", "Tokens, for scripts");
    CLI::App* const add =
        command(both, "add", "Make a token; it is shown once", [this](const UserCommands& users) { addToken(users); });
    operands(*add, "TOKEN", "The token's name");
    CLI::Option* const lifetime =
        add->add_option("--for", request_.lifetime, "How long it is good: 12h, 90d")->type_name("TIME");
    add->add_option("--until", request_.until, "Until when: 2027-01-31")->type_name("MOMENT")->excludes(lifetime);
    add->add_option("--verbs", request_.verbs,
                    "What it may do: list get put overwrite delete rename mkdir exec, read write all")
        ->delimiter(',');
    add->add_option("--prefix", request_.prefixes, "Below which folders; may be repeated")->allow_extra_args(false);
    CLI::App* const remove = command(both, "rm", "Remove a token", [this](const UserCommands& users) {
      users.removeToken(request_.user, request_.name);
    });
    operands(*remove, "TOKEN", "The token's name");
  }

  void lines() {
    CLI::App& keys = *group("key", "Public keys (Ed25519)");
    operands(*command(keys, "add", "Add a key",
                      [this](const UserCommands& users) { users.addKey(request_.user, keyText(request_.name)); }),
             "KEY", "A file like id_ed25519.pub, or its text");
    operands(*command(keys, "rm", "Remove a key",
                      [this](const UserCommands& users) { users.removeKey(request_.user, request_.name); }),
             "KEY", "Its comment, its fingerprint (SHA256:…) or its text");
    kind("certificate", "Client certificates", "SHA256:… of its key, or the name in it if a trusted CA signed it");
    kind("uid", "System users, on a Unix socket", "Its number");
  }

 private:
  using Action = std::function<void(const UserCommands&)>;

  static CLI::App* group(CLI::App& app, const char* name, const char* summary) {
    CLI::App* const group = app.add_subcommand(name, summary);
    group->require_subcommand(1);
    group->fallthrough();
    return group;
  }
  CLI::App* group(const char* name, const char* summary) { return group(app_, name, summary); }

  CLI::App* command(CLI::App& parent, const char* name, const char* summary, Action action) {
    CLI::App* const command = parent.add_subcommand(name, summary);
    command->fallthrough();
    command->callback([this, action = std::move(action)] { request_.action = action; });
    return command;
  }

  CLI::App* user(const char* name, const char* summary, Action action) {
    CLI::App* const made = command(app_, name, summary, std::move(action));
    made->add_option("NAME", request_.user, "The user's name")->required()->type_name("");
    return made;
  }

  void operands(CLI::App& command, const char* second, const char* summary) {
    command.add_option("NAME", request_.user, "The user's name")->required()->type_name("");
    command.add_option(second, request_.name, summary)->required()->type_name("");
  }

  void kind(const char* key, const char* summary, const char* what) {
    CLI::App& both = *group(key, summary);
    operands(*command(both, "add", "Add one",
                      [this, key](const UserCommands& users) { users.addLine(request_.user, key, request_.name); }),
             "VALUE", what);
    operands(*command(both, "rm", "Remove one",
                      [this, key](const UserCommands& users) { users.removeLine(request_.user, key, request_.name); }),
             "VALUE", what);
  }

  void passwordOptions(CLI::App& command) {
    command.add_option("--password-file", request_.passwordFile, "Its first line is the password")->type_name("FILE");
    command.add_option("--password-fd", request_.passwordFd, "The first line from this descriptor is")->type_name("N");
  }

  void addUser(const UserCommands& users) {
    users.checkFree(request_.user);
    std::optional<std::string> password;
    if (!request_.noPassword) password = newPassword(request_);
    users.add(request_.user, password);
    if (password) wipe(*password);
    console_.notes << "user '" << request_.user << "' added to " << escapeText(users.file())
                   << "; to log in: ftpc --user " << request_.user << " ls\n"
                   << "what it may do is set in the configuration, for example: [user " << request_.user
                   << "] allow = /: all\n";
  }

  void setPassword(const UserCommands& users) {
    std::string password = newPassword(request_);
    users.setPassword(request_.user, password);
    wipe(password);
    console_.notes << "the password of '" << request_.user << "' is set\n";
  }

  void addToken(const UserCommands& users) {
    const std::string token = users.addToken(request_.user, request_.name, tokenLimits(request_));
    console_.out << token << "\n" << std::flush;
    console_.notes << "keep it safe, it is not shown again; to use it: FTPC_TOKEN, or ftpc --token-file FILE\n";
  }

  CLI::App& app_;
  Request& request_;
  AdminConsole console_;
};

// The file, in a folder that is there.
std::string findFile(const Request& request, const Environment& environment, const SystemService& service) {
  if (!request.users.empty()) return request.users;
  const ServerConfig config = configOfUsers(request.config, environment, service);
  std::string file = usersFile(config);
  if (file.empty())
    throw ConfigError("there is no home folder to keep the users in, so the file must be named: --users");
  if (config.login.users.empty()) makeStateFolder(config);
  return file;
}

// Why nobody can log in by that name, for a first line; empty: somebody can, as far as the users file tells.
std::string whyNobody(const std::string& user, const UserTable& table, const std::string& file) {
  const UserRecord* const record = table.find(user);
  const std::string name = "'" + escapeText(user, 64) + "'";
  if (record == nullptr) return "denied: nobody can log in as " + name + ": no such user in " + escapeText(file) + "\n";
  if (record->disabled) return "denied: nobody can log in as " + name + ": disabled in " + escapeText(file) + "\n";
  return "";
}

int explain(const Request& request, const ServerConfig& config, AdminConsole console) {
  Explanation said;
  try {
    said = explainAccess(config.access, request.user, request.name, request.value);
  } catch (const Failure& failure) {
    throw ConfigError(failure.what());
  }
  std::string fault;
  if (request.user != "anonymous") {
    const std::string file = request.users.empty() ? usersFile(config) : request.users;
    try {
      const std::string text = file.empty() ? "" : readUsersText(file);
      if (text.empty()) {
        console.notes << "(there is no users file: nobody can log in yet)\n";
      } else {
        fault = whyNobody(request.user, UserTable::parse(text, escapeText(file)), file);
      }
    } catch (const ConfigError& error) {
      console.notes << "(whether there is such a user is not known: " << error.what() << ")\n";
    }
  }
  console.out << fault << (fault.empty() ? "" : "otherwise ") << said.text;
  return said.allowed && fault.empty() ? 0 : 1;
}

}  // namespace

int runUserAdmin(const std::vector<std::string>& arguments, const Environment& environment, AdminConsole console,
                 const SystemService& service) {
  CLI::App app("ftpd user: who may log in", "ftpd user");
  Request request;
  Declaration declaration(app, request, console);
  declaration.accounts();
  declaration.tokens();
  declaration.lines();
  declaration.rules();
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    console.out << app.help();
    return 0;
  } catch (const CLI::ParseError& error) {
    throw ConfigError(commandLineFault(app, error));
  }
  if (request.explain) {
    const int code = explain(request, configOfUsers(request.config, environment, service), console);
    if (configFileMeant(request.config, environment, service).empty()) {
      console.notes << "(of the defaults: no configuration was read; --config FILE or FTPD_CONFIG names it)\n";
    }
    return code;
  }
  request.action(UserCommands(findFile(request, environment, service)));
  return 0;
}

}  // namespace ft
