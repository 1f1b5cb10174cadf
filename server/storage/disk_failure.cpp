#include "server/storage/disk_failure.h"

#include <fcntl.h>

#include <cerrno>

#include "common/escape.h"
#include "server/storage/rooted_folder.h"

namespace ft {
namespace {

std::string cannot(std::string_view action, const FileName& name) {
  return "cannot " + std::string(action) + " " + shownName(name);
}

}  // namespace

std::string shownName(const FileName& name) {
  if (name.isRoot()) return "the root";
  return "'" + escapeText(name.text()) + "'";
}

Failure diskFailure(int error, std::string_view action, const FileName& name) {
  const std::string what = cannot(action, name);
  switch (error) {
    case ELOOP: return Failure(ErrorCode::Forbidden, what + ": it is, or leads through, a symbolic link");
    case EXDEV: return Failure(ErrorCode::Forbidden, what + ": another file system is mounted there");
    case ENXIO:
    case ENODEV: return Failure(ErrorCode::Forbidden, what + ": it is a special file");
    case ENOTDIR: return Failure(ErrorCode::NotDirectory, what + ": a part of the name is not a folder");
    case EISDIR:
      return Failure(ErrorCode::IsDirectory,
                     what + ": it is a folder" +
                         (name.isRoot() ? "" : "; names in it begin with '" + escapeText(name.text()) + "/'"));
    case EAGAIN: return Failure(ErrorCode::Busy, what + ": others remove or rename the folders on its way; try again");
    case EEXIST: return Failure(ErrorCode::Exists, what + ": it exists");
    case EFBIG:
      return Failure(ErrorCode::TooLarge, what + ": larger than the file system or a limit of the daemon allows");
    case EDQUOT: return Failure(ErrorCode::Quota, what + ": over the disk quota of the daemon's user");
    default: return failureFromErrno(error, what);
  }
}

Failure folderFailure(const RootedFolder& root, int error, std::string_view action, const FileName& name) {
  if (error != ENOTDIR || !root.open(name, O_PATH)) return diskFailure(error, action, name);
  return Failure(ErrorCode::NotDirectory, cannot(action, name) + ": it is not a folder");
}

Failure ownFolderFailure(int error, const std::string& what) {
  if (error != ENOENT) return failureFromErrno(error, what);
  return Failure(ErrorCode::IoError, what + ": the daemon's folder .ftpd, or the root, was removed while it runs");
}

}  // namespace ft
