#pragma once
// What a daemon must hold after a row of requests, worked out in the simplest way, to compare a session's answers with.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace ft::fuzz {

class SessionModel {
 public:
  // Would these succeed? Names are taken as they come over the wire.
  bool canPut(const std::string& name, bool replace) const;
  bool canGet(const std::string& name) const { return files_.contains(name); }
  bool canStat(const std::string& name) const {
    return name.empty() || files_.contains(name) || folders_.contains(name);
  }
  bool canMakeFolder(const std::string& name, bool parents) const;
  bool canRemove(const std::string& name, bool recursive) const;
  bool canRename(const std::string& from, const std::string& to, bool replace) const;

  void put(const std::string& name, std::string content);
  void makeFolder(const std::string& name);
  void remove(const std::string& name);
  void rename(const std::string& from, const std::string& to);

  const std::map<std::string, std::string>& files() const { return files_; }
  const std::set<std::string>& folders() const { return folders_; }
  // The number of entries right below a folder.
  std::size_t entries(const std::string& folder) const;

 private:
  bool fileAbove(const std::string& name) const;
  bool emptyFolder(const std::string& name) const;
  void addFoldersAbove(const std::string& name);

  std::map<std::string, std::string> files_;
  std::set<std::string> folders_;
};

// PROTOCOL.md 2.1, for the names that the fuzzer uses.
bool validName(std::string_view name);

}  // namespace ft::fuzz
