#include "server/system_accounts.h"

#include <grp.h>
#include <pwd.h>

#include <charconv>

namespace ft {
namespace {

constexpr std::size_t kBufferSize = 64 * 1024;

std::optional<unsigned> numberOf(const std::string& text) {
  unsigned number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool good = error == std::errc() && rest == text.data() + text.size() && number != static_cast<unsigned>(-1);
  return good ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<uid_t> findSystemUser(const std::string& name) {
  if (const auto number = numberOf(name)) return *number;
  std::string buffer(kBufferSize, '\0');
  passwd account{};
  passwd* found = nullptr;
  const int error = ::getpwnam_r(name.c_str(), &account, buffer.data(), buffer.size(), &found);
  return error == 0 && found != nullptr ? std::optional(account.pw_uid) : std::nullopt;
}

std::optional<gid_t> findSystemGroup(const std::string& name) {
  if (const auto number = numberOf(name)) return *number;
  std::string buffer(kBufferSize, '\0');
  group account{};
  group* found = nullptr;
  const int error = ::getgrnam_r(name.c_str(), &account, buffer.data(), buffer.size(), &found);
  return error == 0 && found != nullptr ? std::optional(account.gr_gid) : std::nullopt;
}

}  // namespace ft
