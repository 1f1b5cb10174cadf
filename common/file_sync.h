#pragma once
// Writes many open files to the disk together, so that they survive a power cut.

#include <sys/types.h>

#include <span>

namespace ft {

struct FileToSync {
  int fd = -1;
  int error = 0;     // afterwards: an errno, 0 when the file is on the disk
  dev_t device = 0;  // for syncFiles() alone
};

// Syncs each file, with few calls where many lie on one file system. They may lie on several, and each answers for
// itself. A file with an error must not be synced again and believed: its bytes may be gone from memory.
void syncFiles(std::span<FileToSync> files) noexcept;

}  // namespace ft
