#pragma once
// Local folders that a get writes into: opened part by part from one descriptor, so that no name and no link leads out of it.

#include <memory>
#include <string>
#include <unordered_map>
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
  // The folder that the user named (links in `path` are the user's own and are followed); made with its parents when missing. It
  // stands for the remote folder `base`. Throws Failure.
  static TargetFolder open(const std::string& path, const FileName& base = FileName::root());

  FolderPtr root() const { return root_; }
  // The folder for the remote folder `name`, which is base or below it; made when missing. Never follows a link: Failure(NotDirectory or
  // Forbidden).
  FolderPtr folder(const FileName& name);
  // As folder(), but nullptr where it does not exist yet; makes nothing.
  FolderPtr existing(const FileName& name);
  // The folders in which folders were made since the last call; they are to be synced. Each is a descriptor, so they are to be taken now and then.
  std::vector<FolderPtr> takeTouched();
  std::size_t touched() const { return touched_.size(); }

 private:
  TargetFolder(FolderPtr root, const FileName& base) : root_(std::move(root)), base_(base) {}
  FolderPtr descend(const FileName& name, bool make);
  // One part further; nullptr where it does not exist and is not to be made.
  FolderPtr child(const FolderPtr& parent, const std::string& leaf, bool make);

  FolderPtr root_;
  FileName base_;
  // Files come folder by folder, so one of these is mostly the next one. Bounded, for each is a descriptor.
  static constexpr std::size_t kRecent = 128;
  std::unordered_map<std::string, FolderPtr> recent_;
  std::vector<FolderPtr> touched_;
};

}  // namespace ft
