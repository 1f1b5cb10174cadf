#include "common/file_sync.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ft {
namespace {

// From so many files on, syncing the whole file system costs a third of syncing each. Fewer do not pay for what others
// write.
constexpr std::ptrdiff_t kSyncAllFrom = 16;
constexpr unsigned kStart = SYNC_FILE_RANGE_WRITE;
constexpr unsigned kCheck = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

// Those of `files` that lie on the file system of the first.
void syncNeighbours(std::span<FileToSync> files) noexcept {
  const FileToSync& first = files.front();
  const auto isNeighbour = [device = first.device](const FileToSync& file) {
    return file.error == 0 && file.device == device;
  };
  const auto count = std::count_if(files.begin(), files.end(), isNeighbour);
  // A failure of syncfs() does not say which file it was, and others share the errors that it tells, so that its yes is
  // not enough, either: in both cases each file is asked.
  const bool allSynced = count >= kSyncAllFrom && ::syncfs(first.fd) == 0;
  if (!allSynced && count > 1) {
    for (const FileToSync& file : files) {
      if (isNeighbour(file)) ::sync_file_range(file.fd, 0, 0, kStart);
    }
  }
  for (FileToSync& file : files) {
    if (!isNeighbour(file)) continue;
    if ((allSynced ? ::sync_file_range(file.fd, 0, 0, kCheck) : ::fsync(file.fd)) != 0) file.error = errno;
  }
}

}  // namespace

void syncFiles(std::span<FileToSync> files) noexcept {
  for (FileToSync& file : files) {
    struct stat status {};
    file.error = ::fstat(file.fd, &status) == 0 ? 0 : errno;
    file.device = status.st_dev;
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto before = files.first(i);
    const bool synced =
        std::any_of(before.begin(), before.end(), [&](const auto& file) { return file.device == files[i].device; });
    if (!synced) syncNeighbours(files.subspan(i));
  }
}

}  // namespace ft
