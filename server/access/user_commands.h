#pragma once
// What `ftpd user` does to a users file. Each throws ConfigError with a sentence, and leaves the file as it was then.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/access/password.h"
#include "server/access/users_file.h"

namespace ft {

class UserCommands {
 public:
  explicit UserCommands(std::string file, PasswordCost cost = {}) : file_(std::move(file)), cost_(cost) {}

  const std::string& file() const { return file_; }
  // Throws when the user is there already; for callers that would first ask for a password.
  void checkFree(const std::string& user) const;
  // Throws when there is no such user.
  void checkKnown(const std::string& user) const;

  // No password: the user logs in by other means, once some are added.
  void add(const std::string& user, const std::optional<std::string>& password) const;
  void setPassword(const std::string& user, const std::string& password) const;
  void remove(const std::string& user) const;
  void disable(const std::string& user, bool disabled) const;

  struct TokenLimits {
    std::optional<Moment> until;
    std::vector<std::string> verbs, prefixes;
  };
  // The token itself, which is nowhere else from then on.
  std::string addToken(const std::string& user, const std::string& token, const TokenLimits& limits) const;
  void removeToken(const std::string& user, const std::string& token) const;

  // `text`: "ssh-ed25519 AAAA… comment".
  void addKey(const std::string& user, const std::string& text) const;
  // By comment, fingerprint or the key itself.
  void removeKey(const std::string& user, const std::string& which) const;
  // One more, or one less, of `certificate` or `uid`.
  void addLine(const std::string& user, const std::string& key, const std::string& value) const;
  void removeLine(const std::string& user, const std::string& key, const std::string& value) const;

  // All users, one a line, for people; as JSON, one object a line.
  std::string list(bool json) const;

 private:
  const std::string file_;
  const PasswordCost cost_;
};

// Throws ConfigError unless it may be somebody's password: 8 to 1024 bytes of UTF-8 without control characters.
void checkNewPassword(std::string_view password);

}  // namespace ft
