#pragma once
// What a storage on the disk is told: where it is, what it promises, and what new files are like.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace ft {

// Whom new files and folders are given to; what is not set stays as it is.
struct Ownership {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
};

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

}  // namespace ft
