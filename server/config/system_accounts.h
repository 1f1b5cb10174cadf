#pragma once
// Users and groups of the operating system, by name or by number.

#include <sys/types.h>

#include <optional>
#include <string>

namespace ft {

// nullopt when there is none of that name. A number is taken as it is. Throws std::runtime_error when the system could
// not tell.
std::optional<uid_t> findSystemUser(const std::string& name);
std::optional<gid_t> findSystemGroup(const std::string& name);

}  // namespace ft
