#include "server/access/user_commands.h"

#include <algorithm>

#include "common/base64.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/ini_file.h"
#include "common/json_writer.h"
#include "common/nearest_word.h"
#include "common/random_bytes.h"
#include "server/access/users_editor.h"

namespace ft {
namespace {

constexpr std::size_t kLeastPassword = 8;
constexpr std::size_t kTokenBytes = 32;
// Programs that look for secrets in the wrong places know a token by this.
constexpr std::string_view kTokenStart = "ftpd_";

UserTable tableOf(const UsersText& text) { return text.table("the users file"); }

const UserRecord& known(const UserTable& table, const std::string& user) {
  const UserRecord* const record = table.find(user);
  if (record != nullptr) return *record;
  std::vector<std::string_view> names;
  for (const UserRecord& one : table.all()) names.push_back(one.name);
  throw ConfigError("there is no user '" + escapeText(user, 64) + "'" + didYouMean(user, names));
}

void checkName(const std::string& name, const char* what) {
  if (isUserName(name)) return;
  throw ConfigError("'" + escapeText(name, 64) + "' is not a valid name for a " + what + ": 1 to 32 of a-z 0-9 _ -");
}

void requireFree(const UserTable& table, const std::string& user) {
  checkName(user, "user");
  if (table.find(user) != nullptr) {
    throw ConfigError("user '" + user + "' is there already; a new password is set by `ftpd user passwd " + user + "`");
  }
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : separator) + part;
  return all;
}

// "nightly (put mkdir; below backups; until …)"
std::string limitsOf(const TokenRecord& token) {
  std::vector<std::string> limits;
  if (token.scope && !token.scope->verbs.empty()) limits.push_back(joined(token.scope->verbs, " "));
  if (token.scope && !token.scope->prefixes.empty()) limits.push_back("below " + joined(token.scope->prefixes, ", "));
  if (token.until) limits.push_back((*token.until <= thisMoment() ? "ended " : "until ") + writeMoment(*token.until));
  return limits.empty() ? token.name : token.name + " (" + joined(limits, "; ") + ")";
}

// "password, key anna@laptop, token nightly (until …)"
std::string waysOf(const UserRecord& user) {
  std::vector<std::string> ways;
  if (!user.password.empty()) ways.emplace_back("password");
  for (const KeyRecord& key : user.keys)
    ways.push_back("key " + (key.comment.empty() ? keyFingerprint(key.key) : key.comment));
  for (const std::string& certificate : user.certificates) ways.push_back("certificate " + certificate);
  for (const uid_t uid : user.uids) ways.push_back("uid " + std::to_string(uid));
  for (const TokenRecord& token : user.tokens) ways.push_back("token " + limitsOf(token));
  return ways.empty() ? "no way to log in" : joined(ways, ", ");
}

std::string listed(const UserRecord& user) {
  return user.name + (user.disabled ? "\tdisabled" : "\tenabled") + "\t" + escapeText(waysOf(user), 4096) + "\n";
}

void writeTexts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key);
  json.beginArray();
  for (const std::string& text : texts) json.value(text);
  json.endArray();
}

void writeToken(JsonWriter& json, const TokenRecord& token) {
  json.beginObject();
  json.field("name", token.name);
  if (token.until) json.field("until", writeMoment(*token.until));
  if (token.scope && !token.scope->verbs.empty()) writeTexts(json, "verbs", token.scope->verbs);
  if (token.scope && !token.scope->prefixes.empty()) writeTexts(json, "prefixes", token.scope->prefixes);
  json.endObject();
}

std::string asJson(const UserRecord& user) {
  std::string line;
  JsonWriter json(line);
  json.beginObject();
  json.field("user", user.name);
  json.field("disabled", user.disabled);
  json.field("password", !user.password.empty());
  json.key("keys");
  json.beginArray();
  for (const KeyRecord& key : user.keys) json.value(keyFingerprint(key.key));
  json.endArray();
  writeTexts(json, "certificates", user.certificates);
  json.key("uids");
  json.beginArray();
  for (const uid_t uid : user.uids) json.value(std::uint64_t{uid});
  json.endArray();
  json.key("tokens");
  json.beginArray();
  for (const TokenRecord& token : user.tokens) writeToken(json, token);
  json.endArray();
  json.endObject();
  return line + "\n";
}

}  // namespace

void checkNewPassword(std::string_view password) {
  if (password.size() < kLeastPassword) throw ConfigError("a password has at least 8 bytes");
  if (password.size() > kMaxPasswordSize) throw ConfigError("a password has at most 1024 bytes");
  const bool control = std::any_of(password.begin(), password.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
  if (!isUtf8(password) || control) throw ConfigError("a password is UTF-8 text without control characters");
}

void UserCommands::checkFree(const std::string& user) const {
  requireFree(UserTable::parse(readUsersText(file_), escapeText(file_)), user);
}

void UserCommands::checkKnown(const std::string& user) const {
  known(UserTable::parse(readUsersText(file_), escapeText(file_)), user);
}

void UserCommands::add(const std::string& user, const std::optional<std::string>& password) const {
  if (password) checkNewPassword(*password);
  const std::string hash = password ? hashPassword(*password, cost_) : "";
  editUsersFile(file_, [&](UsersText& text) {
    requireFree(tableOf(text), user);
    text.addUser(user);
    if (password) text.set(user, "password", hash);
  });
}

void UserCommands::setPassword(const std::string& user, const std::string& password) const {
  checkNewPassword(password);
  const std::string hash = hashPassword(password, cost_);
  editUsersFile(file_, [&](UsersText& text) {
    known(tableOf(text), user);
    text.set(user, "password", hash);
  });
}

void UserCommands::remove(const std::string& user) const {
  editUsersFile(file_, [&](UsersText& text) {
    known(tableOf(text), user);
    text.removeUser(user);
  });
}

void UserCommands::disable(const std::string& user, bool disabled) const {
  editUsersFile(file_, [&](UsersText& text) {
    known(tableOf(text), user);
    text.set(user, "disabled", disabled ? "yes" : "");
  });
}

std::string UserCommands::addToken(const std::string& user, const std::string& name, const TokenLimits& limits) const {
  checkName(name, "token");
  for (const std::string& prefix : limits.prefixes) {
    // The users file has them on one line.
    if (prefix.find(';') != std::string::npos || trimmed(prefix) != prefix) {
      throw ConfigError("the folder '" + escapeText(prefix, 80) +
                        "' has a ';' or outer blanks: no token can be limited to it");
    }
  }
  const std::string token = std::string(kTokenStart) + base64Url(randomBytes(kTokenBytes));
  editUsersFile(file_, [&](UsersText& text) {
    const UserTable table = tableOf(text);
    const std::vector<TokenRecord>& tokens = known(table, user).tokens;
    if (std::any_of(tokens.begin(), tokens.end(), [&](const TokenRecord& one) { return one.name == name; })) {
      throw ConfigError("user '" + user + "' has a token '" + name + "' already");
    }
    const std::string key = "token." + name;
    text.append(user, key, "sha256:" + tokenHash(token));
    if (limits.until) text.append(user, key + ".until", writeMoment(*limits.until));
    if (!limits.verbs.empty()) text.append(user, key + ".verbs", joined(limits.verbs, " "));
    if (!limits.prefixes.empty()) text.append(user, key + ".prefixes", joined(limits.prefixes, "; "));
  });
  return token;
}

void UserCommands::removeToken(const std::string& user, const std::string& name) const {
  editUsersFile(file_, [&](UsersText& text) {
    known(tableOf(text), user);
    const std::string key = "token." + name;
    const std::size_t removed = text.removeIf(user, [&](const std::string& candidate, const std::string&) {
      return candidate == key || candidate.starts_with(key + ".");
    });
    if (removed == 0) throw ConfigError("user '" + user + "' has no token '" + escapeText(name, 64) + "'");
  });
}

void UserCommands::addKey(const std::string& user, const std::string& text) const {
  const auto key = readPublicKey(text);
  if (!key) {
    throw ConfigError("'" + escapeText(text, 64) +
                      "' is not an Ed25519 key: ssh-ed25519 AAAA… comment, as in id_ed25519.pub");
  }
  editUsersFile(file_, [&](UsersText& users) {
    const UserTable table = tableOf(users);
    const std::vector<KeyRecord>& keys = known(table, user).keys;
    if (std::any_of(keys.begin(), keys.end(), [&](const KeyRecord& one) { return one.key == *key; })) {
      throw ConfigError("user '" + user + "' has this key already");
    }
    users.append(user, "key", text);
  });
}

void UserCommands::removeKey(const std::string& user, const std::string& which) const {
  editUsersFile(file_, [&](UsersText& text) {
    known(tableOf(text), user);
    const std::size_t removed = text.removeIf(user, [&](const std::string& key, const std::string& value) {
      const auto parsed = key == "key" ? readPublicKey(value) : std::nullopt;
      if (!parsed) return false;
      const std::string comment = value.substr(std::min(value.size(), writePublicKey(*parsed).size()));
      return readPublicKey(which) == parsed || keyFingerprint(*parsed) == which || comment == " " + which;
    });
    if (removed == 0) throw ConfigError("user '" + user + "' has no key '" + escapeText(which, 80) + "'");
  });
}

void UserCommands::addLine(const std::string& user, const std::string& key, const std::string& value) const {
  editUsersFile(file_, [&](UsersText& text) {
    known(tableOf(text), user);
    text.append(user, key, value);
  });
}

void UserCommands::removeLine(const std::string& user, const std::string& key, const std::string& value) const {
  editUsersFile(file_, [&](UsersText& text) {
    known(tableOf(text), user);
    const std::size_t removed = text.removeIf(
        user, [&](const std::string& name, const std::string& given) { return name == key && given == value; });
    if (removed == 0) throw ConfigError("user '" + user + "' has no " + key + " '" + escapeText(value, 80) + "'");
  });
}

std::string UserCommands::list(bool json) const {
  const UserTable table = UserTable::parse(readUsersText(file_), escapeText(file_));
  std::string all;
  for (const UserRecord& user : table.all()) {
    all += json ? asJson(user) : listed(user);
  }
  return all;
}

}  // namespace ft
