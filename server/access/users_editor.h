#pragma once
// Changes the text of a users file line by line, so that comments and order stay; and replaces the file in one step.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/access/users_file.h"

namespace ft {

class UsersText {
 public:
  explicit UsersText(std::string_view text);

  // The users that the lines say. Throws ConfigError with `source` as the file.
  UserTable table(const std::string& source) const { return UserTable::parse(text(), source); }
  std::string text() const;

  // The rest is for users that are there, but for add().
  void addUser(const std::string& name);
  void removeUser(const std::string& name);
  // The one line of this key; an empty value removes it.
  void set(const std::string& user, const std::string& key, const std::string& value);
  // One more line, at the end of the user's.
  void append(const std::string& user, const std::string& key, const std::string& value);
  // Removes the lines for which `unwanted(key, value)`; how many there were.
  std::size_t removeIf(const std::string& user,
                       const std::function<bool(const std::string& key, const std::string& value)>& unwanted);

 private:
  struct Range {
    std::size_t begin = 0;  // of the lines after the section's
    std::size_t end = 0;    // behind the last that is not empty
  };
  Range rangeOf(const std::string& user) const;

  std::vector<std::string> lines_;
};

// Lets `change` work on the file's text, and puts the result in its place: whole or not at all, with mode 0600 and the
// old file's owner, on the disk when this returns. One process at a time; the folder must exist. Throws ConfigError;
// what `change` throws leaves the file as it was.
void editUsersFile(const std::string& path, const std::function<void(UsersText& text)>& change);

}  // namespace ft
