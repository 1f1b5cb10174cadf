#pragma once
// What the parts of the disk storage share: the root, the daemon's folder in it, and the rules of durability.
// Thread-safe.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/file_name.h"
#include "server/storage/digest_cache.h"
#include "server/storage/digest_keeper.h"
#include "server/storage/disk_options.h"
#include "server/storage/folder_maker.h"
#include "server/storage/follow_digest.h"
#include "server/storage/part_digests.h"
#include "server/storage/part_store.h"
#include "server/storage/rooted_folder.h"
#include "server/storage/space_ledger.h"
#include "server/storage/staging_folder.h"

namespace ft {

// Makes the folder, with mode 0700, and those above it where they are missing. Throws std::runtime_error that names it.
void makeRoot(const std::string& root);

class DiskCore {
 public:
  // Throws std::runtime_error that names the root.
  explicit DiskCore(DiskStorageOptions options);

  bool syncsFiles() const noexcept { return options.durability != DiskStorageOptions::Durability::None; }
  bool syncsFolders() const noexcept { return options.durability == DiskStorageOptions::Durability::Full; }
  // Must `mode` be set after a file was made with it?
  bool needsChmod(mode_t mode) const noexcept { return (mode & options.umask) != 0; }

  // An open folder, or Failure. `action` is for its message, as in diskFailure().
  UniqueFd folder(const FileName& name, std::string_view action) const;
  // Syncs a folder when the durability asks for it. Returns an errno.
  int syncFolder(int folder) const;

  const DiskStorageOptions options;
  const RootedFolder root;
  const StateFolder state;
  StagingFolder staging;
  PartStore parts;
  PartDigests partDigests;
  SpaceLedger space;
  FolderMaker folders;
  DigestCache digests;
  DigestPool hashers;
  DigestKeeper keeper;
};

}  // namespace ft
