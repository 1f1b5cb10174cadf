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
#include "server/storage/folder_maker.h"
#include "server/storage/follow_digest.h"
#include "server/storage/part_digests.h"
#include "server/storage/part_store.h"
#include "server/storage/rooted_folder.h"
#include "server/storage/space_ledger.h"
#include "server/storage/staging_folder.h"

namespace ft {

struct DiskStorageOptions {
  // What survives a power cut once a call has returned: the files with their names, the files' contents, or nothing in
  // particular.
  enum class Durability { Full, File, None };

  std::string root;
  Durability durability = Durability::Full;
  std::uint64_t minFree = 0;  // bytes of the disk that are never filled (storage.min_free)
  std::chrono::milliseconds partExpire = std::chrono::hours(24 * 7);
  std::uint64_t leastPart = 64 * 1024;      // bytes; less is not worth keeping
  std::chrono::milliseconds partWait{500};  // for a part that another upload is writing
  std::uint32_t fileMode = 0644;
  std::uint32_t folderMode = 0755;
  std::uint32_t mostMode = 0777;  // bits that a file may take over from the one that it replaces
  bool backgroundMd5 = false;  // take the MD5 of files that came with another digest, when nothing else is to be done
  // Nothing is to be stored, so it is no trouble where .ftpd cannot be made or another daemon has it. Digests are not
  // remembered beyond the end of the daemon then.
  bool readOnly = false;
  Ownership owner{};       // of new files and folders
  mode_t umask = 0777;     // the process's: bits that new files and folders may lack, so that they are to be set
  bool useOpenat2 = true;  // false: look names up part by part, as where openat2 is missing
};

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
