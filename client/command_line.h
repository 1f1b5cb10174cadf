#pragma once
// The command line of ftpc: what was asked for, from arguments, environment and configuration, in that order.

#include <optional>
#include <string>
#include <vector>

#include "client/options/client_config.h"
#include "client/options/options.h"

namespace ft {

// `text`: print it on stdout and end with 0 (--help, --version), instead of running anything.
struct CommandLine {
  Options options;
  std::optional<std::string> text;
};

// Throws UsageError or ConfigError. `arguments` are without the program's name.
CommandLine parseCommandLine(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace ft
