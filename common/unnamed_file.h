#pragma once
// Files that have no name while they are written: nobody sees them, and nothing is left of them when the program ends
// (O_TMPFILE in open(2)). Any thread may call.

#include <sys/types.h>

#include <string>

#include "common/unique_fd.h"

namespace ft {

// A new file, for reading and writing, that will get its name in `folder` or in another folder of that file system.
// `mode`: its bits, less the umask. Empty, with errno set, where the file system has no such files (EOPNOTSUPP, or
// EISDIR where it does not know of them) or has no room.
UniqueFd openUnnamed(int folder, mode_t mode);
// Can a file without a name be made in this folder and get one there? Tried with the name `probe`, which is nobody's
// and is gone afterwards: some file systems have no such files, some cannot link them, and kernels before 6.10 need
// /proc.
bool canLinkUnnamed(int folder, const std::string& probe);
// Gives such a file a name in an open folder, in place of nothing: EEXIST when there is something. Returns an errno.
int linkUnnamed(int file, int folder, const std::string& leaf);

}  // namespace ft
