// The part of DiskStorage that works on folders and names.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

#include "common/protocol.h"
#include "server/storage/disk_commit.h"
#include "server/storage/disk_download.h"
#include "server/storage/disk_failure.h"
#include "server/storage/disk_storage.h"
#include "server/storage/folder_reader.h"
#include "server/storage/tree_remover.h"

namespace ft {
namespace {

constexpr std::string_view kMake = "make";

// A page's cursor as it stands in `next`: the file system's own, in decimal.
std::int64_t parseCursor(const std::string& text) {
  std::int64_t cursor = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), cursor);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || cursor < 0) {
    throw Failure(ErrorCode::BadRequest, "'after' is not what a page before has given as its 'next'");
  }
  return cursor;
}

std::optional<FileInfo> childInfo(int folder, const std::string& leaf) {
  struct stat info {};
  if (::fstatat(folder, leaf.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return infoOf(info);
}

void requireNotRoot(const FileName& name, const std::string& action) {
  if (name.isRoot()) throw Failure(ErrorCode::Forbidden, "the root cannot be " + action);
}

Failure cannotRename(ErrorCode code, const FileName& from, const FileName& to, const char* reason) {
  return failureAbout(code, {"cannot rename ", from, " to ", to, std::string(": ") + reason});
}

}  // namespace

FolderPage DiskStorage::list(const FileName& folder, const std::string& after, PageLimits limits) {
  constexpr std::string_view kAction = "list";
  const UniqueFd fd = core_.folder(folder, kAction);
  FolderReader reader(fd.get());
  if (!after.empty() && reader.seek(parseCursor(after)) != 0) {
    throw Failure(ErrorCode::BadRequest, "'after' is not a place in this folder");
  }
  FolderPage page;
  FolderReader::Entry entry;
  std::size_t nameBytes = 0;
  std::int64_t behind = 0;
  while (reader.next(entry)) {
    if (folder.isRoot() && entry.name == kReservedFolder) continue;
    const bool full = page.entries.size() >= limits.entries || nameBytes + entry.name.size() > limits.nameBytes;
    if (full && !page.entries.empty()) {
      page.next = std::to_string(behind);
      return page;
    }
    behind = entry.cursor;
    if (!folder.canHold(entry.name)) {
      ++page.skipped;
      continue;
    }
    std::string name(entry.name);
    const auto info = childInfo(fd.get(), name);
    if (!info) continue;
    nameBytes += name.size();
    page.entries.push_back({std::move(name), *info});
  }
  if (reader.error() != 0) throw diskFailure(reader.error(), kAction, folder);
  return page;
}

std::vector<std::optional<FileInfo>> DiskStorage::statMany(const FileName& folder, std::span<const std::string> names) {
  std::vector<std::optional<FileInfo>> infos(names.size());
  const Opened opened = core_.root.openFolder(folder);
  if (opened.error == ENOENT) return infos;
  if (!opened) throw diskFailure(opened.error, "check", folder);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const FileName name = folder.child(names[i]);
    const bool onePart = names[i].find('/') == std::string::npos;
    infos[i] = onePart ? childInfo(opened.fd.get(), names[i]) : find(name);
  }
  return infos;
}

std::optional<std::uint32_t> DiskStorage::storedMode(const FileName&, std::uint32_t mode) {
  return core_.staging.keepsModes() ? std::optional(mode & kModeMask) : std::nullopt;
}

void DiskStorage::makeFolder(const FolderToMake& folder, bool parents) {
  const FileName& name = folder.name;
  if (parents && (folder.mode || folder.mtimeNs)) {
    if (auto untimed = makeFolders({&folder, 1})) throw std::move(*untimed);
    return;
  }
  if (parents) {
    if (!name.isRoot()) core_.folders.open(name, kMake);
    return;
  }
  if (name.isRoot()) throw diskFailure(EEXIST, kMake, name);
  const UniqueFd parent = core_.folder(name.parent(), kMake);
  if (const int error = core_.folders.makeChild(parent.get(), folder); error != 0) {
    throw diskFailure(error, kMake, name);
  }
}

std::optional<Failure> DiskStorage::makeFolders(std::span<const FolderToMake> folders) {
  return core_.folders.makeAll(folders, kMake);
}

std::optional<Failure> DiskStorage::makeListed(std::span<const FolderToMake> folders) {
  return core_.folders.makeAll(folders, kMake, FolderMaker::Parents::Needed);
}

bool DiskStorage::remove(const FileName& name, bool recursive, std::chrono::milliseconds time) {
  constexpr std::string_view kAction = "remove";
  requireNotRoot(name, "removed");
  const UniqueFd parent = core_.folder(name.parent(), kAction);
  const std::string leaf(name.leaf());
  int error = ::unlinkat(parent.get(), leaf.c_str(), 0) == 0 ? 0 : errno;
  if (error == EISDIR && recursive) {
    error = TreeRemover(core_.root, time).remove(parent.get(), leaf);
    if (error == EAGAIN) return false;
  } else if (error == EISDIR) {
    error = ::unlinkat(parent.get(), leaf.c_str(), AT_REMOVEDIR) == 0 ? 0 : errno;
  }
  if (error == ENOTEMPTY || error == EEXIST) {
    throw failureAbout(ErrorCode::IsDirectory, {"cannot remove ", name, ": it is a folder that is not empty"});
  }
  if (error == 0) error = core_.syncFolder(parent.get());
  if (error != 0) throw diskFailure(error, kAction, name);
  return true;
}

void DiskStorage::rename(const FileName& from, const FileName& to, bool replace) {
  requireNotRoot(from, "renamed");
  if (to.isRoot()) throw diskFailure(EISDIR, "replace", to);
  if (from == to || isBelow(to.text(), from.text())) {
    throw cannotRename(ErrorCode::NameInvalid, from, to,
                       from == to ? "it has that name already" : "the new name is inside the old one");
  }
  replaceByRename(from, to, replace);
}

void DiskStorage::replaceByRename(const FileName& from, const FileName& to, bool replace) {
  const UniqueFd fromFolder = core_.folder(from.parent(), "rename");
  const std::string fromLeaf(from.leaf());
  const std::string toLeaf(to.leaf());
  const auto info = childInfo(fromFolder.get(), fromLeaf);
  if (!info) throw diskFailure(ENOENT, "rename", from);
  UniqueFd toFolder;
  int error = EAGAIN;
  for (int tries = 0; tries < kTriesAgainstChange && error == EAGAIN; ++tries) {
    toFolder = core_.folders.open(to.parent(), "rename to");
    if (replace && info->type != FileType::Folder) {
      error = ::renameat(fromFolder.get(), fromLeaf.c_str(), toFolder.get(), toLeaf.c_str()) == 0 ? 0 : errno;
    } else {
      // A folder takes no other's place: rename() would silently put it in the place of an empty one.
      error = renameNoReplace(fromFolder.get(), fromLeaf, toFolder.get(), toLeaf);
    }
    // The new folder was removed since it was opened.
    if (error == ENOENT && childInfo(fromFolder.get(), fromLeaf)) error = EAGAIN;
  }
  if (error == EEXIST && replace) {
    const auto there = childInfo(toFolder.get(), toLeaf);
    if (!there || there->type != FileType::Folder)
      throw cannotRename(ErrorCode::NotDirectory, from, to, "a folder takes the place of no file");
    error = EISDIR;
  }
  if (error == EINVAL) throw cannotRename(ErrorCode::NameInvalid, from, to, "the new name is inside the old one");
  if (error == ENOENT) throw diskFailure(error, "rename", from);
  if (error == 0) error = core_.syncFolder(toFolder.get());
  if (error == 0) error = core_.syncFolder(fromFolder.get());
  if (error != 0) throw diskFailure(error, "rename to", to);
}

}  // namespace ft
