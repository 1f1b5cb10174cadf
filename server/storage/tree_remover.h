#pragma once
// Removes a folder with all that is in it: without recursion, without following anything, and without a path longer
// than one part, so that whoever swaps folders for links meanwhile gets the links removed and nothing else.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "server/storage/folder_reader.h"
#include "server/storage/rooted_folder.h"

namespace ft {

class TreeRemover {
 public:
  // Deeper trees are refused: each level holds a descriptor. Names that clients can give have at most 64 parts.
  static constexpr std::size_t kMaxDepth = 256;

  // For about so long (kNoHurry: to the end).
  TreeRemover(const RootedFolder& root, std::chrono::milliseconds time);
  // Removes the folder `leaf` of the open folder `parent`. Returns an errno, EAGAIN when the time is up; what was
  // removed until then stays removed.
  int remove(int parent, const std::string& leaf);

 private:
  struct Level {
    UniqueFd fd;
    std::string name;  // in the level above
    FolderReader reader;
    int tries = 0;
  };

  bool timeIsUp();
  int enter(int parent, const std::string& leaf);
  // Removes files of the deepest level up to the next folder, to be entered; `folder` stays empty at the end.
  int sweep(std::string& folder);
  int leave(int parent);

  const RootedFolder& root_;
  const std::chrono::steady_clock::time_point until_;
  std::size_t removed_ = 0;  // entries
  std::vector<Level> levels_;
};

}  // namespace ft
