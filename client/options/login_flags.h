#pragma once
// The options, keys and variables that say how the user logs in.

#include "client/login/login.h"
#include "client/options/client_config.h"

namespace CLI {
class App;
}

namespace ft {

void addLoginFlags(CLI::App& app, LoginOptions& options);
// What the command line has left open. Throws UsageError for what contradicts itself.
void completeLogin(const ClientConfig& config, const Environment& environment, LoginOptions& options);

}  // namespace ft
