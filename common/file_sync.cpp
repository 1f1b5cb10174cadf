#include "common/file_sync.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <vector>

namespace ft {
namespace {

// From so many files on, syncing the whole file system costs a third of syncing each. Fewer do not pay for what others
// write.
constexpr std::size_t kSyncAllFrom = 16;
constexpr unsigned kStart = SYNC_FILE_RANGE_WRITE;
constexpr unsigned kCheck = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

using Group = std::vector<FileToSync*>;

void syncEach(const Group& group) {
  if (group.size() > 1) {
    for (const FileToSync* file : group) ::sync_file_range(file->fd, 0, 0, kStart);
  }
  for (FileToSync* file : group) file->error = ::fsync(file->fd) == 0 ? 0 : errno;
}

void syncGroup(const Group& group) {
  // A failure of syncfs() does not say which file it was, and others share the errors that it tells, so that its yes is
  // not enough, either: in both cases each file is asked.
  if (group.size() < kSyncAllFrom || ::syncfs(group.front()->fd) != 0) return syncEach(group);
  for (FileToSync* file : group) file->error = ::sync_file_range(file->fd, 0, 0, kCheck) == 0 ? 0 : errno;
}

}  // namespace

void syncFiles(std::span<FileToSync> files) {
  std::map<dev_t, Group> groups;
  for (FileToSync& file : files) {
    struct stat status {};
    if (::fstat(file.fd, &status) == 0) {
      groups[status.st_dev].push_back(&file);
    } else {
      file.error = errno;
    }
  }
  for (const auto& [device, group] : groups) syncGroup(group);
}

}  // namespace ft
