#include "server/storage/disk_storage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "common/protocol.h"
#include "server/storage/disk_commit.h"
#include "server/storage/disk_download.h"
#include "server/storage/disk_failure.h"
#include "server/storage/disk_upload.h"

namespace ft {
namespace {

constexpr auto kCleaningAtStart = std::chrono::milliseconds(800);
// A FIFO must not block, a terminal must not become ours.
constexpr int kReadFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

// A put that says nothing of permission bits must not open a private file to others.
PutSpec keepingMode(PutSpec spec, std::optional<std::uint32_t> replaced) {
  if (!spec.mode) spec.mode = replaced;
  return spec;
}

}  // namespace

DiskStorage::DiskStorage(DiskStorageOptions options) : core_(std::move(options)) {
  core_.staging.clean(std::chrono::steady_clock::now() + kCleaningAtStart);
  try {
    core_.parts.clean(std::chrono::steady_clock::now() + kCleaningAtStart);
  } catch (const Failure&) {
    // Files can be served all the same, and expireParts() will tell.
  }
}

bool DiskStorage::expireParts(std::chrono::milliseconds time) {
  if (storesNothing()) return true;
  const auto deadline = std::chrono::steady_clock::now() + time;
  return core_.staging.clean(deadline) && core_.parts.clean(deadline);
}

std::optional<std::uint32_t> DiskStorage::checkTarget(const PutSpec& spec) const {
  constexpr std::string_view kAction = "store";
  if (spec.name.isRoot()) throw diskFailure(EISDIR, kAction, spec.name);
  const Opened there = core_.root.open(spec.name, O_PATH);
  if (there.error == ENOENT && !spec.naming.onlyReplace) return std::nullopt;
  if (!there) throw diskFailure(there.error, kAction, spec.name);
  struct stat info {};
  if (::fstat(there.fd.get(), &info) != 0) throw diskFailure(errno, kAction, spec.name);
  if (S_ISDIR(info.st_mode)) throw diskFailure(EISDIR, kAction, spec.name);
  if (S_ISLNK(info.st_mode)) throw diskFailure(ELOOP, kAction, spec.name);
  if (!S_ISREG(info.st_mode)) throw diskFailure(ENXIO, kAction, spec.name);
  if (!spec.naming.replace) throw diskFailure(EEXIST, kAction, spec.name);
  return info.st_mode & core_.options.mostMode;
}

std::unique_ptr<Upload> DiskStorage::begin(const PutSpec& spec) {
  const auto replaced = checkTarget(spec);
  auto upload = std::make_unique<DiskUpload>(core_, keepingMode(spec, replaced));
  upload->begin(!replaced);
  return upload;
}

std::unique_ptr<Upload> DiskStorage::resume(const PutSpec& spec, DigestAlgorithm prefixDigest) {
  const auto replaced = checkTarget(spec);
  auto upload = std::make_unique<DiskUpload>(core_, keepingMode(spec, replaced));
  upload->resume(prefixDigest);
  return upload;
}

void DiskStorage::commit(std::span<CommitItem> items) { CommitGroup(core_, items).run(); }

std::unique_ptr<Download> DiskStorage::open(const FileName& name) {
  constexpr std::string_view kAction = "read";
  Opened opened = core_.root.open(name, kReadFlags);
  if (!opened) throw diskFailure(opened.error, kAction, name);
  struct stat info {};
  if (::fstat(opened.fd.get(), &info) != 0) throw diskFailure(errno, kAction, name);
  if (S_ISDIR(info.st_mode)) throw diskFailure(EISDIR, kAction, name);
  if (!S_ISREG(info.st_mode)) throw diskFailure(ENXIO, kAction, name);
  return std::make_unique<DiskDownload>(std::move(opened.fd), info, core_.digests);
}

std::optional<FileInfo> DiskStorage::find(const FileName& name) const {
  const Opened opened = core_.root.open(name, O_PATH);
  struct stat info {};
  if (!opened || ::fstat(opened.fd.get(), &info) != 0) return std::nullopt;
  return infoOf(info);
}

FileInfo DiskStorage::stat(const FileName& name) {
  constexpr std::string_view kAction = "look at";
  const Opened opened = core_.root.open(name, O_PATH);
  if (!opened) throw diskFailure(opened.error, kAction, name);
  struct stat info {};
  if (::fstat(opened.fd.get(), &info) != 0) throw diskFailure(errno, kAction, name);
  return infoOf(info);
}

// The file itself, and not its name, is changed: whoever has other names for it would lose bits, or get some, by one
// that is none of theirs.
std::uint32_t DiskStorage::setMode(const ModeChange& change) {
  constexpr std::string_view kAction = "change the permission bits of";
  const FileName& name = change.name;
  Opened opened = core_.root.open(name, kReadFlags);
  if (opened.error == EACCES) opened = core_.root.open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  if (!opened) throw diskFailure(opened.error, kAction, name);
  const int fd = opened.fd.get();
  struct stat info {};
  if (::fstat(fd, &info) != 0) throw diskFailure(errno, kAction, name);
  if (S_ISDIR(info.st_mode)) throw diskFailure(EISDIR, kAction, name);
  if (!S_ISREG(info.st_mode)) throw diskFailure(ENXIO, kAction, name);
  const std::string cannot = "cannot " + std::string(kAction) + " " + shownName(name) + ": ";
  if (info.st_nlink > 1) throw Failure(ErrorCode::Forbidden, cannot + "the file has other names, too (hard links)");
  const FileInfo found = infoOf(info);
  if (change.size.value_or(found.size) != found.size || (change.mtimeNs && change.mtimeNs != found.mtimeNs)) {
    throw Failure(ErrorCode::Changed, cannot + "it is not the file that is meant, by its size or its time");
  }
  if (::fchmod(fd, change.mode & kModeMask) != 0) throw diskFailure(errno, kAction, name);
  if (core_.syncsFiles() && ::fsync(fd) != 0) throw diskFailure(errno, "sync", name);
  if (::fstat(fd, &info) != 0) throw diskFailure(errno, kAction, name);
  return infoOf(info).mode;
}

}  // namespace ft
