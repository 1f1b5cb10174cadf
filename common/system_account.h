#pragma once
// The system's own records of users and groups, as copies. Any thread may call.

#include <sys/types.h>

#include <optional>
#include <string>

namespace ft {

struct SystemAccount {
  std::string name;
  std::string home;
  uid_t uid = 0;
  gid_t gid = 0;
};

// nullopt when there is none. Throws std::runtime_error when the system could not tell.
std::optional<SystemAccount> findAccount(const std::string& name);
std::optional<SystemAccount> findAccount(uid_t uid);
std::optional<gid_t> findGroup(const std::string& name);
// The user that the program runs as; nullopt also when the system could not tell.
std::optional<SystemAccount> ownAccount();

}  // namespace ft
