#pragma once
// `ftpd user …`: the command line of the users file.

#include <iosfwd>
#include <string>
#include <vector>

#include "server/access/users_place.h"
#include "server/config/config.h"

namespace ft {

struct AdminConsole {
  std::ostream& out;  // what was asked for: lists, tokens
  std::ostream& notes;
};

// `arguments` stand behind `user`. Returns the exit code. Throws ConfigError.
int runUserAdmin(const std::vector<std::string>& arguments, const Environment& environment, AdminConsole console,
                 const SystemService& service = systemService());

}  // namespace ft
