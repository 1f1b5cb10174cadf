#include "exec/invocation.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "common/ini_file.h"
#include "common/unique_fd.h"
#include "exec/exec_user.h"

namespace ft {
namespace {

int descriptorOf(const std::string& number) {
  int fd = -1;
  const char* const end = number.data() + number.size();
  if (std::from_chars(number.data(), end, fd).ptr != end || fd < 0) {
    throw ConfigError("--control: '" + escapeText(number) + "' is not a descriptor");
  }
  return fd;
}

std::string lastOf(const std::vector<IniEntry>& entries, std::string_view section, std::string_view key) {
  std::string value;
  for (const IniEntry& entry : entries) {
    if (entry.section == section && entry.key == key) value = entry.value;
  }
  return value;
}

}  // namespace

ExecInvocation readInvocation(const std::vector<std::string>& arguments) {
  ExecInvocation invocation;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string& name = arguments[i];
    const bool known = name == "--config" || name == "--root" || name == "--control";
    if (!known || i + 1 == arguments.size()) {
      throw ConfigError("unknown option or no value: " + escapeText(name, 80));
    }
    const std::string& value = arguments[i + 1];
    if (name == "--config") invocation.config = value;
    if (name == "--root") invocation.root = value;
    if (name == "--control") invocation.control = descriptorOf(value);
  }
  return invocation;
}

ExecSettings readSettings(const ExecInvocation& invocation) {
  const std::vector<IniEntry> entries = readIniFile(invocation.config);
  const std::string root = invocation.root ? *invocation.root : lastOf(entries, "storage", "root");
  std::vector<ExecFault> faults;
  ExecSettings settings = readExecSettings(entries, root, faults);
  if (!faults.empty()) {
    throw ConfigError(escapeText(invocation.config) + ":" + std::to_string(entries[faults.front().entry].line) + ": " +
                      faults.front().reason);
  }
  // The plain command line is nothing but shell commands.
  settings.shell = settings.shell || !lastOf(entries, "plain-exec", "listen").empty();
  return settings;
}

std::unique_ptr<ExecListener> openListener(const ExecInvocation& invocation, const ExecSettings& settings) {
  if (invocation.control) {
    UniqueFd control(*invocation.control);
    ::fcntl(control.get(), F_SETFD, FD_CLOEXEC);
    return makeParentListener(std::move(control));
  }
  std::vector<uid_t> allowed{0, ::getuid()};
  if (!settings.peerUser.empty()) allowed.push_back(uidOf(settings.peerUser));
  if (UniqueFd passed = passedListener(std::getenv("LISTEN_FDS"), std::getenv("LISTEN_PID"))) {
    return makeSocketListener(std::move(passed), std::move(allowed));
  }
  if (settings.socket.empty()) throw ConfigError("no socket: [exec] socket is not set, and systemd passed none");
  return makeSocketListener(listenAt(settings.socket), std::move(allowed));
}

}  // namespace ft
