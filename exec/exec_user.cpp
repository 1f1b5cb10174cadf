#include "exec/exec_user.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <vector>

#include "common/escape.h"
#include "common/ini_file.h"

namespace ft {
namespace {

constexpr std::size_t kRecordRoom = 16 * 1024;

ExecUser recordOf(const passwd& record) {
  ExecUser user;
  user.name = record.pw_name;
  user.home = record.pw_dir;
  user.uid = record.pw_uid;
  user.gid = record.pw_gid;
  return user;
}

bool findByName(const std::string& name, ExecUser& user) {
  std::vector<char> room(kRecordRoom);
  passwd record{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &record, room.data(), room.size(), &found) != 0 || found == nullptr) return false;
  user = recordOf(record);
  return true;
}

// A user without a record (in a container, say) is known by the number alone.
ExecUser ownUser() {
  std::vector<char> room(kRecordRoom);
  passwd record{};
  passwd* found = nullptr;
  if (::getpwuid_r(::getuid(), &record, room.data(), room.size(), &found) == 0 && found != nullptr)
    return recordOf(record);
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
  ExecUser user;
  if (!findByName(name, user)) throw ConfigError("exec.user: there is no user '" + escapeText(name, 80) + "'");
  user.change = user.uid != ::getuid();
  if (user.change && ::geteuid() != 0) {
    throw ConfigError("exec.user: only root can run commands as another user ('" + escapeText(name, 80) + "')");
  }
  return user;
}

uid_t uidOf(const std::string& name) {
  ExecUser user;
  if (!findByName(name, user)) throw ConfigError("exec.peer_user: there is no user '" + escapeText(name, 80) + "'");
  return user.uid;
}

bool becomeUser(const ExecUser& user) {
  if (!user.change) return true;
  return ::initgroups(user.name.c_str(), user.gid) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0;
}

}  // namespace ft
