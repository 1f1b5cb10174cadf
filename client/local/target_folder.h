#pragma once
// Local folders that a get writes into: opened part by part from one descriptor, so that no name and no link leads out
// of it.

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/file_name.h"
#include "common/unique_fd.h"

namespace ft {

// An open folder; shared by the files that are being written into it.
struct Folder {
  UniqueFd fd;
  std::string path;    // as shown to the user
  bool fresh = false;  // made by this process, so that nothing is in it that somebody would miss
};
using FolderPtr = std::shared_ptr<const Folder>;

class TargetFolder {
 public:
  // The permission bits of a folder, if it is made; nullopt: as the umask leaves them. Its owner can use it in any case
  // until finishModes().
  using Mode = std::optional<std::uint32_t>;

  // The folder that the user named (links in `path` are the user's own and are followed); made with its parents when
  // missing. It stands for the remote folder `base`. Throws Failure.
  static TargetFolder open(const std::string& path, const FileName& base = FileName::root(), Mode mode = std::nullopt);

  FolderPtr root() const { return root_; }
  // The folder for the remote folder `name`, which is base or below it; made when missing. Never follows a link:
  // Failure(NotDirectory or Forbidden).
  FolderPtr folder(const FileName& name, Mode mode = std::nullopt);
  // As folder(), but nullptr where it does not exist yet; makes nothing.
  FolderPtr existing(const FileName& name);
  // Gives a folder that is there its time. Names that come into it or go from it later change that. Throws Failure.
  void setTime(const FileName& name, std::int64_t mtimeNs);
  // The folders in which folders were made since the last call; they are to be synced. Each is a descriptor, so they
  // are to be taken now and then.
  std::vector<FolderPtr> takeTouched();
  std::size_t touched() const { return touched_.size(); }
  // Takes from the folders that were made the bits that only the making needed. Nothing can be written through this any
  // more. Throws Failure.
  void finishModes();

 private:
  TargetFolder(FolderPtr root, const FileName& base) : root_(std::move(root)), base_(base) {}
  // How a folder is looked up.
  struct Lookup {
    bool make = false;
    Mode mode;
  };
  // The bits of a folder that was just made.
  void takeMode(const FileName& name, const Folder& folder, std::uint32_t mode);
  FolderPtr descend(const FileName& name, const Lookup& how);
  // One part further; nullptr where it does not exist and is not to be made.
  FolderPtr child(const FolderPtr& parent, const std::string& leaf, const Lookup& how);

  FolderPtr root_;
  FileName base_;
  // Files come folder by folder, so one of these is mostly the next one. Bounded, for each is a descriptor.
  static constexpr std::size_t kRecent = 128;
  std::unordered_map<std::string, FolderPtr> recent_;
  std::vector<FolderPtr> touched_;
  // Folders that their owner may not use in the end, parents before what is in them.
  std::vector<std::pair<FileName, mode_t>> unfinished_;
};

}  // namespace ft
