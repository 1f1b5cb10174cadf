#include "server/storage/disk_commit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "common/unnamed_file.h"
#include "server/storage/disk_failure.h"

namespace ft {
namespace {

constexpr std::string_view kAction = "store";

// Has somebody removed it from our own folder?
bool isGone(const StagedFile& file) {
  struct stat info {};
  return !file.name().empty() && ::fstatat(file.folder(), file.name().c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0;
}

// The version that the file has under its name. nullopt: it is not what the upload has left, or not worth remembering.
std::optional<FileVersion> namedVersion(DiskUpload& upload) {
  struct stat info {};
  if (!upload.left() || ::fstat(upload.file().fd(), &info) != 0) return std::nullopt;
  const FileVersion named = versionOf(info);
  FileVersion left = *upload.left();
  left.ctimeNs = named.ctimeNs;  // the rename has changed it
  return named == left ? std::optional(named) : std::nullopt;
}

}  // namespace

int renameNoReplace(int fromFolder, const std::string& from, int toFolder, const std::string& to) {
  if (::renameat2(fromFolder, from.c_str(), toFolder, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system without the flag (or a folder into itself, which a link refuses as well).
  struct stat info {};
  if (::fstatat(fromFolder, from.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  if (S_ISDIR(info.st_mode)) return EINVAL;
  if (::linkat(fromFolder, from.c_str(), toFolder, to.c_str(), 0) != 0) return errno;
  return ::unlinkat(fromFolder, from.c_str(), 0) == 0 ? 0 : errno;
}

CommitGroup::CommitGroup(DiskCore& core, std::span<CommitItem> items)
    : core_(core), spare_(ErrorCode::Internal, "an internal error, such as memory that has run out") {
  entries_.reserve(items.size());
  files_.reserve(items.size());
  for (CommitItem& item : items) {
    auto* const upload = dynamic_cast<DiskUpload*>(item.upload.get());
    if (upload == nullptr || !upload->finished()) throw std::logic_error("an upload is committed that is not finished");
    entries_.push_back({&item, upload, upload->spec().naming});
    files_.push_back({upload->file().fd()});
  }
}

void CommitGroup::run() noexcept {
  if (core_.syncsFiles()) syncFiles();
  nameFiles();
  if (core_.syncsFolders()) syncTargets();
  for (Entry& entry : entries_) {
    if (!entry.item->failure) remember(entry);
    entry.item->upload.reset();
  }
}

// Whatever goes wrong with one file is that file's, as others may have their names.
template <typename Action>
void CommitGroup::attempt(Entry& entry, const Action& action) noexcept {
  try {
    try {
      action();
    } catch (const Failure& failure) {
      entry.item->failure = failure;
    }
  } catch (const std::exception&) {
    entry.item->failure = spare_;
  }
}

void CommitGroup::syncFiles() {
  ft::syncFiles(files_);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (files_[i].error == 0) continue;
    Entry& entry = entries_[i];
    // The pages count as clean now and may be gone: a second sync would say yes to a file that is not there.
    attempt(entry, [&] { throw diskFailure(files_[i].error, "sync", entry.upload->spec().name); });
    entry.upload->discard();
  }
}

void CommitGroup::nameFiles() {
  for (Entry& entry : entries_) {
    if (entry.item->failure) continue;
    attempt(entry, [&] {
      if (entry.item->watch == nullptr) return nameFile(entry);
      entry.item->watch->naming(entry.terms, [&] { nameFile(entry); });
    });
  }
}

void CommitGroup::nameFile(Entry& entry) {
  const FileName& name = entry.upload->spec().name;
  const StagedFile& file = entry.upload->file();
  int error = EAGAIN;
  for (int tries = 0; tries < kTriesAgainstChange && error == EAGAIN; ++tries) {
    entry.target = targetOf(name.parent(), entry.terms.fixedFolders);
    error = rename(entry);
    if (error != ENOENT || entry.terms.onlyReplace) break;
    if (isGone(file)) {
      const Failure gone = ownFolderFailure(error, "");
      throw failureAbout(gone.code(), {"cannot store ", name, gone.what()});
    }
    // The folder was removed since it was opened. It stays in targets_ for the files that it had got.
    Target& target = targets_[entry.target];
    target.gone = true;
    if (!target.used) target.fd.reset();
    error = EAGAIN;
  }
  if (error != 0) throw diskFailure(error, kAction, name);
  targets_[entry.target].used = true;
  // At once: later somebody may have changed it.
  entry.version = namedVersion(*entry.upload);
  entry.upload->file().release();
}

std::size_t CommitGroup::targetOf(const FileName& folder, std::size_t fixed) {
  for (std::size_t i = targets_.size(); i > 0; --i) {
    if (!targets_[i - 1].gone && targets_[i - 1].name == folder) return i - 1;
  }
  targets_.push_back({folder, core_.folders.open(folder, kAction, fixed)});
  return targets_.size() - 1;
}

int CommitGroup::rename(Entry& entry) {
  StagedFile& file = entry.upload->file();
  const NamingTerms& terms = entry.terms;
  const int folder = targets_[entry.target].fd.get();
  const std::string leaf(entry.upload->spec().name.leaf());
  if (terms.onlyReplace) return takePlace(file, folder, leaf);
  if (file.name().empty()) {
    const int error = linkUnnamed(file.fd(), folder, leaf);
    if (error != EEXIST || !terms.replace) return error;
    // Somebody has been quicker: only a rename replaces.
    if (const int unnamed = core_.staging.name(file); unnamed != 0) return unnamed;
  }
  if (!terms.replace) return takeFreeName(file, folder, leaf);
  return ::renameat(file.folder(), file.name().c_str(), folder, leaf.c_str()) == 0 ? 0 : errno;
}

int CommitGroup::takeFreeName(const StagedFile& file, int folder, const std::string& leaf) {
  const int error = renameNoReplace(file.folder(), file.name(), folder, leaf);
  struct stat info {};
  // With two names it is stored, whatever has kept the first from being removed: the next start does that.
  const bool stored = error != 0 && ::fstat(file.fd(), &info) == 0 && info.st_nlink > 1;
  return stored ? 0 : error;
}

// In the place of a file that must be there, in one step: what was there has the staging name for a moment.
int CommitGroup::takePlace(StagedFile& file, int folder, const std::string& leaf) {
  if (file.name().empty()) {
    if (const int unnamed = core_.staging.name(file); unnamed != 0) return unnamed;
  }
  const char* const staged = file.name().c_str();
  struct stat info {};
  const auto exchange = [&] { return ::renameat2(file.folder(), staged, folder, leaf.c_str(), RENAME_EXCHANGE); };
  if (exchange() != 0) {
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // A file system without the flag: what is there may go between the look and the rename.
    if (::fstatat(folder, leaf.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return errno;
    if (!S_ISREG(info.st_mode)) return S_ISDIR(info.st_mode) ? EISDIR : ELOOP;
    return ::renameat(file.folder(), staged, folder, leaf.c_str()) == 0 ? 0 : errno;
  }
  const int unknown = ::fstatat(file.folder(), staged, &info, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
  if (unknown == 0 && S_ISREG(info.st_mode)) {
    // What cannot be removed is left to the next start: the file is stored.
    ::unlinkat(file.folder(), staged, 0);
    return 0;
  }
  // A folder or a link has come meanwhile, or nobody knows. If it cannot have its place back, then the file is stored.
  if (exchange() != 0) return 0;
  return unknown != 0 ? unknown : S_ISDIR(info.st_mode) ? EISDIR : ELOOP;
}

void CommitGroup::syncTargets() {
  for (Target& target : targets_) {
    if (target.used) target.syncError = core_.syncFolder(target.fd.get());
  }
  for (Entry& entry : entries_) {
    if (entry.item->failure || targets_[entry.target].syncError == 0) continue;
    attempt(entry, [&] {
      const FileName& name = entry.upload->spec().name;
      const Failure unsynced = diskFailure(targets_[entry.target].syncError, "sync", name.parent());
      throw failureAbout(ErrorCode::IoError,
                         {name, std::string(" is stored but may not survive a power cut: ") + unsynced.what()});
    });
  }
}

void CommitGroup::remember(const Entry& entry) noexcept {
  if (!entry.version) return;
  try {
    for (const DigestValue& digest : entry.item->digests) core_.digests.remember(*entry.version, digest);
    core_.keeper.stored(entry.upload->spec().name, *entry.version, entry.item->digests);
  } catch (const std::exception&) {
    // The file is stored all the same, and its digest can be taken again.
    return;
  }
}

}  // namespace ft
