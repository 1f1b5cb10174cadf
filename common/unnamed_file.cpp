#include "common/unnamed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace ft {

UniqueFd openUnnamed(int folder, mode_t mode) {
  return UniqueFd(::openat(folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, mode));
}

bool canLinkUnnamed(int folder, const std::string& probe) {
  const UniqueFd fd = openUnnamed(folder, S_IRUSR | S_IWUSR);
  return fd && linkUnnamed(fd.get(), folder, probe) == 0 && ::unlinkat(folder, probe.c_str(), 0) == 0;
}

int linkUnnamed(int file, int folder, const std::string& leaf) {
  if (::linkat(file, "", folder, leaf.c_str(), AT_EMPTY_PATH) == 0) return 0;
  if (errno != ENOENT) return errno;
  // Kernels before 6.10 allow this only to those who may read everything, and later ones to the thread that has opened
  // the file; all of them allow the way through /proc.
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  return ::linkat(AT_FDCWD, path.c_str(), folder, leaf.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

}  // namespace ft
