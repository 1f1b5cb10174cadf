#pragma once
// What ftpd-exec was started with: its options, the settings that they lead to, and where it listens.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/exec_settings.h"
#include "exec/listener.h"

namespace ft {

struct ExecInvocation {
  std::string config = "/etc/ftpd/ftpd.conf";
  std::optional<std::string> root{};  // what {root} stands for; nullopt: as configured
  std::optional<int> control{};       // the descriptor of the ftpd that has started it
};

// `arguments` are without the program's name: pairs of an option and its value. Throws ConfigError.
ExecInvocation readInvocation(const std::vector<std::string>& arguments);

// From the file of the invocation. Throws ConfigError that names the file, and the line where there is one.
ExecSettings readSettings(const ExecInvocation& invocation);

// On the line to ftpd, else on the socket that systemd has passed, else on the configured one. Throws ConfigError.
std::unique_ptr<ExecListener> openListener(const ExecInvocation& invocation, const ExecSettings& settings);

}  // namespace ft
