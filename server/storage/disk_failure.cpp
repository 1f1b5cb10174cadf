#include "server/storage/disk_failure.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "common/escape.h"
#include "server/storage/rooted_folder.h"

namespace ft {
std::string shownName(const FileName& name) {
  if (name.isRoot()) return "the root";
  return "'" + escapeText(name.text()) + "'";
}

Failure failureAbout(ErrorCode code, const std::vector<Piece>& sentence) {
  std::string text;
  std::vector<Failure::Mention> mentions;
  for (const Piece& piece : sentence) {
    if (const auto* const words = std::get_if<std::string>(&piece)) {
      text += *words;
      continue;
    }
    const FileName& name = std::get<FileName>(piece);
    const std::string shown = shownName(name);
    mentions.push_back({name.text(), text.size(), shown.size()});
    text += shown;
  }
  return {code, text, {}, std::move(mentions)};
}

Failure diskFailure(int error, std::string_view action, const FileName& name) {
  const auto cannot = [&](ErrorCode code, const std::string& reason) {
    return failureAbout(code, {"cannot " + std::string(action) + " ", name, ": " + reason});
  };
  switch (error) {
    case ELOOP: return cannot(ErrorCode::Forbidden, "it is, or leads through, a symbolic link");
    case EXDEV: return cannot(ErrorCode::Forbidden, "another file system is mounted there");
    case ENXIO:
    case ENODEV: return cannot(ErrorCode::Forbidden, "it is a special file");
    case ENOTDIR: return cannot(ErrorCode::NotDirectory, "a part of the name is not a folder");
    case EISDIR:
      return cannot(
          ErrorCode::IsDirectory,
          "it is a folder" + (name.isRoot() ? "" : "; names in it begin with '" + escapeText(name.text()) + "/'"));
    case EAGAIN: return cannot(ErrorCode::Busy, "others remove or rename the folders on its way; try again");
    case EEXIST: return cannot(ErrorCode::Exists, "it exists");
    case EFBIG: return cannot(ErrorCode::TooLarge, "larger than the file system or a limit of the daemon allows");
    case EDQUOT: return cannot(ErrorCode::Quota, "over the disk quota of the daemon's user");
    default: return cannot(failureFromErrno(error, "").code(), errorText(error));
  }
}

Failure folderFailure(const RootedFolder& root, int error, std::string_view action, const FileName& name) {
  if (error != ENOTDIR || !root.open(name, O_PATH)) return diskFailure(error, action, name);
  return failureAbout(ErrorCode::NotDirectory, {"cannot " + std::string(action) + " ", name, ": it is not a folder"});
}

Failure ownFolderFailure(int error, const std::string& what) {
  if (error != ENOENT) return failureFromErrno(error, what);
  return Failure(ErrorCode::IoError, what + ": the daemon's folder .ftpd, or the root, was removed while it runs");
}

}  // namespace ft
