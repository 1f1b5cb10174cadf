#pragma once
// Counts what is in a folder with all that is below it: whatever the names are, and however deep it lies (renames of
// folders bring files to where no name that a client can give leads to). Holds one descriptor, and of the names those
// of the folders that are still to be looked at. One thread.

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/file_name.h"
#include "server/storage/rooted_folder.h"
#include "server/storage/usage.h"

namespace ft {

class UsageWalk {
 public:
  // Paths below the folder that is counted.
  using Paths = std::set<std::string, std::less<>>;

  // Borrows both. Of a folder that `except` names nothing counts but the folder.
  UsageWalk(const RootedFolder& root, const Paths& except) : root_(root), except_(except) {}

  // What is in `folder`. What is not there, vanishes meanwhile or is closed to the daemon (a link, a mount) counts as
  // empty. Throws Failure where the disk does not tell.
  Usage count(const FileName& folder);

 private:
  // Of one folder between the one that is counted and the one that is read: those in it that are still to be read.
  struct Level {
    std::size_t path;  // the length of its own path
    std::vector<std::string> folders;
  };

  Opened open(std::string_view path) const;
  void read(const FileName& top);
  void visit(int folder, const std::string& name);
  bool isExcepted(const std::string& name) const;

  const RootedFolder& root_;
  const Paths& except_;
  bool atRoot_ = false;  // the folder that is counted is the root
  int top_ = -1;
  std::string path_;  // of the folder that is read, below the one that is counted
  std::vector<Level> levels_;
  Usage usage_;
};

}  // namespace ft
