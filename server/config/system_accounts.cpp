#include "server/config/system_accounts.h"

#include <charconv>

#include "common/system_account.h"

namespace ft {
namespace {

std::optional<unsigned> numberOf(const std::string& text) {
  unsigned number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool good = error == std::errc() && rest == text.data() + text.size() && number != static_cast<unsigned>(-1);
  return good ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<uid_t> findSystemUser(const std::string& name) {
  if (const auto number = numberOf(name)) return *number;
  const auto account = findAccount(name);
  return account ? std::optional(account->uid) : std::nullopt;
}

std::optional<gid_t> findSystemGroup(const std::string& name) {
  if (const auto number = numberOf(name)) return *number;
  return findGroup(name);
}

}  // namespace ft
