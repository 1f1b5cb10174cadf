#pragma once
// The users file: who may log in, and how each shows who it is. An INI file that only its owner may read:
//
//   [user anna]
//   password = $argon2id$v=19$m=19456,t=2,p=1$…
//   key = ssh-ed25519 AAAA… anna@laptop              (as many as there are)
//   certificate = SHA256:… | NAME                    (of a client certificate: its key, or its name if it is from
//                                                     an authority that is trusted)
//   uid = 1000                                       (on a Unix socket)
//   token.nightly = sha256:…
//   token.nightly.until = 2027-01-31T00:00:00Z       (and .verbs = get list, .prefixes = pub; in/box)
//   disabled = yes

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ed25519.h"
#include "server/access/identity.h"
#include "server/config/moment.h"

namespace ft {

struct TokenRecord {
  std::string name;
  std::string hash;  // SHA-256 of the token, 64 hex digits
  std::optional<Moment> until;
  std::shared_ptr<const TokenScope> scope;  // null: not limited
};

struct KeyRecord {
  PublicKey key;
  std::string comment;
};

struct UserRecord {
  std::string name;
  std::string password;  // argon2id's own text; empty: no log-in by password
  bool disabled = false;
  std::vector<TokenRecord> tokens;
  std::vector<KeyRecord> keys;
  std::vector<std::string> certificates;
  std::vector<uid_t> uids;
  int line = 0;
};

// All users, as one version of the file has them. Immutable.
class UserTable {
 public:
  UserTable() = default;
  // Throws ConfigError that names file and line for what cannot stand in a users file, a user twice included.
  static UserTable parse(std::string_view text, const std::string& source);

  bool empty() const { return users_.empty(); }
  const std::vector<UserRecord>& all() const { return users_; }
  // All of these: nullptr when there is none; disabled users are found too.
  const UserRecord* find(std::string_view name) const;
  const UserRecord* findUid(uid_t uid) const;
  // By the fingerprint of its key, or else by the name that a trusted CA has signed. Either may be empty.
  const UserRecord* findCertificate(const std::string& fingerprint, const std::string& name) const;
  // `hash` as in TokenRecord. Expired ones are found too.
  std::pair<const UserRecord*, const TokenRecord*> findToken(const std::string& hash) const;

 private:
  std::vector<UserRecord> users_;
};

// A name of a user or a token: [a-z0-9_-]{1,32}.
bool isUserName(std::string_view name);
// What a token is stored as.
std::string tokenHash(std::string_view token);

// The file's text. A file that is not there, or that is in a folder closed to this process, is empty text. Throws
// ConfigError when it cannot be read, or when others than its owner may read it, or when its owner is neither this
// process's user nor root (nor, where root asks, the owner of its folder).
std::string readUsersText(const std::string& path);

}  // namespace ft
