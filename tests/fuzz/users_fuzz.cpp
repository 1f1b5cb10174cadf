// The users file: any text is refused with a ConfigError that names its line, or accepted; and what is accepted can be
// edited user by user, without a change for anybody else.

#include "common/error.h"
#include "server/access/users_editor.h"
#include "tests/fuzz/input.h"

namespace {

using ft::fuzz::require;

constexpr const char* kSource = "users";

bool isSameUser(const ft::UserRecord& one, const ft::UserRecord& other) {
  bool same = one.name == other.name && one.password == other.password && one.disabled == other.disabled &&
              one.certificates == other.certificates && one.uids == other.uids &&
              one.keys.size() == other.keys.size() && one.tokens.size() == other.tokens.size();
  for (std::size_t i = 0; same && i < one.keys.size(); ++i) same = one.keys[i].key == other.keys[i].key;
  for (std::size_t i = 0; same && i < one.tokens.size(); ++i) {
    same = one.tokens[i].hash == other.tokens[i].hash && one.tokens[i].until == other.tokens[i].until &&
           (one.tokens[i].scope == nullptr) == (other.tokens[i].scope == nullptr);
  }
  return same;
}

// All of `before` but `left`, and the order of it.
void requireSameBut(const std::string& left, const ft::UserTable& before, const ft::UserTable& after) {
  auto next = after.all().begin();
  for (const ft::UserRecord& user : before.all()) {
    if (user.name == left) continue;
    require(next != after.all().end() && isSameUser(user, *next));
    ++next;
  }
  require(next == after.all().end());
}

void edit(std::string_view text, const ft::UserTable& table) {
  for (const ft::UserRecord& user : table.all()) {
    ft::UsersText lines(text);
    lines.set(user.name, "disabled", user.disabled ? "" : "yes");
    const ft::UserTable changed = lines.table(kSource);
    require(changed.find(user.name)->disabled != user.disabled);
    lines.removeUser(user.name);
    requireSameBut(user.name, table, lines.table(kSource));
  }
  static const std::string kFresh = "fuzz-fresh-user";
  if (table.find(kFresh) != nullptr) return;
  ft::UsersText lines(text);
  lines.addUser(kFresh);
  require(lines.table(kSource).find(kFresh) != nullptr);
  requireSameBut(kFresh, lines.table(kSource), table);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = ft::fuzz::textOf(data, size);
  ft::UserTable table;
  try {
    table = ft::UserTable::parse(text, kSource);
  } catch (const ft::ConfigError& error) {
    require(std::string_view(error.what()).starts_with("users"));
    return 0;
  }
  edit(text, table);
  return 0;
}
