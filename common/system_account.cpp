#include "common/system_account.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/error.h"

namespace ft {
namespace {

constexpr std::size_t kFirstRoom = 4096;
// A group may have many members; a record that is longer still is broken.
constexpr std::size_t kMostRoom = 16 << 20;

// What getpwnam_r() and its kin answer where there is no such record; some say so with an error.
bool meansNone(int error) {
  return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

// Calls with more and more room until the record fits into it.
template <typename Record, typename Call, typename Use>
auto lookUp(Call call, Use use) -> std::optional<decltype(use(std::declval<const Record&>()))> {
  std::vector<char> room(kFirstRoom);
  Record record{};
  Record* found = nullptr;
  int error = call(&record, room.data(), room.size(), &found);
  while (error == EINTR || (error == ERANGE && room.size() < kMostRoom)) {
    if (error == ERANGE) room.resize(room.size() * 4);
    error = call(&record, room.data(), room.size(), &found);
  }
  if (found != nullptr) return use(*found);
  if (meansNone(error)) return std::nullopt;
  throw std::runtime_error("the system's users and groups cannot be looked up: " + errorText(error));
}

SystemAccount accountOf(const passwd& record) { return {record.pw_name, record.pw_dir, record.pw_uid, record.pw_gid}; }

}  // namespace

std::optional<SystemAccount> findAccount(const std::string& name) {
  return lookUp<passwd>([&](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); }, accountOf);
}

std::optional<SystemAccount> findAccount(uid_t uid) {
  return lookUp<passwd>([&](auto... rest) { return ::getpwuid_r(uid, rest...); }, accountOf);
}

std::optional<gid_t> findGroup(const std::string& name) {
  return lookUp<group>([&](auto... rest) { return ::getgrnam_r(name.c_str(), rest...); },
                       [](const group& record) { return record.gr_gid; });
}

std::optional<SystemAccount> ownAccount() {
  try {
    return findAccount(::getuid());
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

}  // namespace ft
