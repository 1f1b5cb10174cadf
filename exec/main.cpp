// ftpd-exec: runs the commands that ftpd may not run itself. Started by ftpd, or by systemd with a Unix socket.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/escape.h"
#include "common/exec_settings.h"
#include "common/standard_streams.h"
#include "common/version.h"
#include "exec/exec_server.h"
#include "exec/exec_user.h"
#include "exec/listener.h"

namespace {

constexpr int kUsageError = 2;

constexpr const char* kUsage =
    "ftpd-exec runs the commands that ftpd's configuration allows ([exec]), for ftpd alone.\n"
    "\n"
    "  ftpd-exec [--config FILE] [--root DIR]\n"
    "\n"
    "  --config FILE   ftpd's configuration (default /etc/ftpd/ftpd.conf)\n"
    "  --root DIR      what {root} stands for (default: [storage] root of the configuration)\n"
    "  --version, --help\n"
    "\n"
    "It listens on the Unix socket that systemd passes, else on [exec] socket. ftpd starts one of its own where no "
    "socket is configured.\n";

// Options are pairs of a name and a value.
std::map<std::string, std::string> readOptions(int argc, char** argv) {
  std::map<std::string, std::string> options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const bool known = name == "--config" || name == "--root" || name == "--control";
    if (!known || i + 1 == argc) throw ft::ConfigError("unknown option or no value: " + ft::escapeText(name, 80));
    options[name] = argv[++i];
  }
  return options;
}

std::string lastOf(const std::vector<ft::IniEntry>& entries, std::string_view section, std::string_view key) {
  std::string value;
  for (const ft::IniEntry& entry : entries) {
    if (entry.section == section && entry.key == key) value = entry.value;
  }
  return value;
}

ft::ExecSettings readSettings(std::map<std::string, std::string>& options) {
  const std::string path = options.contains("--config") ? options["--config"] : "/etc/ftpd/ftpd.conf";
  const std::vector<ft::IniEntry> entries = ft::readIniFile(path);
  const std::string root = options.contains("--root") ? options["--root"] : lastOf(entries, "storage", "root");
  std::vector<ft::ExecFault> faults;
  ft::ExecSettings settings = ft::readExecSettings(entries, root, faults);
  if (!faults.empty()) {
    throw ft::ConfigError(ft::escapeText(path) + ":" + std::to_string(entries[faults.front().entry].line) + ": " +
                          faults.front().reason);
  }
  // The plain command line is nothing but shell commands.
  settings.shell = settings.shell || !lastOf(entries, "plain-exec", "listen").empty();
  return settings;
}

int descriptorOf(const std::string& number) {
  int fd = -1;
  const char* const end = number.data() + number.size();
  if (std::from_chars(number.data(), end, fd).ptr != end || fd < 0) {
    throw ft::ConfigError("--control: '" + ft::escapeText(number) + "' is not a descriptor");
  }
  return fd;
}

std::unique_ptr<ft::ExecListener> openListener(std::map<std::string, std::string>& options,
                                               const ft::ExecSettings& settings) {
  if (options.contains("--control")) {
    ft::UniqueFd control(descriptorOf(options["--control"]));
    ::fcntl(control.get(), F_SETFD, FD_CLOEXEC);
    return ft::makeParentListener(std::move(control));
  }
  std::vector<uid_t> allowed{0, ::getuid()};
  if (!settings.peerUser.empty()) allowed.push_back(ft::uidOf(settings.peerUser));
  if (ft::UniqueFd passed = ft::passedListener(std::getenv("LISTEN_FDS"), std::getenv("LISTEN_PID"))) {
    return ft::makeSocketListener(std::move(passed), std::move(allowed));
  }
  if (settings.socket.empty()) throw ft::ConfigError("no socket: [exec] socket is not set, and systemd passed none");
  return ft::makeSocketListener(ft::listenAt(settings.socket), std::move(allowed));
}

}  // namespace

int main(int argc, char** argv) {
  ft::occupyStandardStreams();
  if (argc == 2 && std::string_view(argv[1]) == "--help") return std::fputs(kUsage, stdout) < 0 ? 1 : 0;
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    return std::printf("ftpd-exec %s\n", std::string(ft::kVersion).c_str()) < 0 ? 1 : 0;
  }
  try {
    auto options = readOptions(argc, argv);
    ft::ExecSettings settings = readSettings(options);
    auto listener = openListener(options, settings);
    return ft::ExecServer(std::move(settings), std::move(listener)).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ftpd-exec: %s\n", error.what());
    return kUsageError;
  }
}
