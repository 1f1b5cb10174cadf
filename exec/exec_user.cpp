#include "exec/exec_user.h"

#include <grp.h>
#include <unistd.h>

#include "common/error.h"
#include "common/escape.h"
#include "common/system_account.h"

namespace ft {
namespace {

ExecUser userOf(const SystemAccount& account) {
  ExecUser user;
  user.name = account.name;
  user.home = account.home;
  user.uid = account.uid;
  user.gid = account.gid;
  return user;
}

// A user without a record (in a container, say) is known by the number alone.
ExecUser ownUser() {
  if (const auto account = ownAccount()) return userOf(*account);
  ExecUser user;
  user.name = std::to_string(::getuid());
  user.home = "/";
  user.uid = ::getuid();
  user.gid = ::getgid();
  return user;
}

}  // namespace

ExecUser findExecUser(const std::string& name) {
  if (name.empty()) return ownUser();
  const auto account = findAccount(name);
  if (!account) throw ConfigError("exec.user: there is no user '" + escapeText(name, 80) + "'");
  ExecUser user = userOf(*account);
  user.change = user.uid != ::getuid();
  if (user.change && ::geteuid() != 0) {
    throw ConfigError("exec.user: only root can run commands as another user ('" + escapeText(name, 80) + "')");
  }
  return user;
}

uid_t uidOf(const std::string& name) {
  const auto account = findAccount(name);
  if (!account) throw ConfigError("exec.peer_user: there is no user '" + escapeText(name, 80) + "'");
  return account->uid;
}

bool becomeUser(const ExecUser& user) {
  if (!user.change) return true;
  return ::initgroups(user.name.c_str(), user.gid) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0;
}

}  // namespace ft
