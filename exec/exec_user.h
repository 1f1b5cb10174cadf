#pragma once
// Users of the system, and how a process becomes one of them for good.

#include <sys/types.h>

#include <string>

#include "exec/command_line.h"

namespace ft {

// The user of that name; for "", the one that this process is. Throws ConfigError when there is none, or when it is
// another one and this process may not change.
ExecUser findExecUser(const std::string& name);

// Throws ConfigError.
uid_t uidOf(const std::string& name);

// Becomes the user, with its groups and without a way back. False when it could not.
bool becomeUser(const ExecUser& user);

}  // namespace ft
