#pragma once
// The daemon's command line, and with it the order of the sources of its configuration: option, environment, file,
// built-in default.

#include <optional>
#include <string>
#include <vector>

#include "server/config/config.h"

namespace ft {

struct Invocation {
  // What --help, --version, --list-commands, --check-config, --print-config or --print-fingerprint have to say on
  // standard output, and nothing more is to be done. nullopt: serve.
  std::optional<std::string> answer;
  ServerConfig config;
};

// `arguments` are those behind the program's name. The configuration file is the one that --config names, else the one
// that FTPD_CONFIG in the environment names, else none. Throws ConfigError that names the option, the variable, or the
// file and the line.
Invocation readInvocation(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace ft
