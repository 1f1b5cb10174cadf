#include "server/storage/disk_core.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "common/error.h"
#include "common/private_folder.h"
#include "common/protocol.h"
#include "server/storage/disk_failure.h"

namespace ft {
namespace {

constexpr unsigned kMaxHashers = 4;

UniqueFd openRoot(const std::string& root) {
  makeRoot(root);
  UniqueFd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw std::runtime_error("cannot open the root " + root + ": " + errorText(errno));
  return fd;
}

unsigned hasherCount() { return std::clamp(std::thread::hardware_concurrency(), 1U, kMaxHashers); }

}  // namespace

void makeRoot(const std::string& root) {
  if (const std::error_code failed = makePrivateFolder(root)) {
    throw std::runtime_error("cannot make the root " + root + ": " + failed.message());
  }
}

DiskCore::DiskCore(DiskStorageOptions given)
    : options(std::move(given)),
      root(openRoot(options.root), options.useOpenat2, {options.owner, options.umask}),
      state(root, options.root),
      staging(state.staging()),
      parts(state.parts(), options.partExpire),
      space(root.fd(), options.minFree),
      hashers(hasherCount()),
      // What may be lost with the power is not written down: the digest could outlive the bytes.
      keeper(root, state.folder(), digests, {options.backgroundMd5, syncsFiles()}),
      syncFd_(folder(FileName::root(), "open")) {}

UniqueFd DiskCore::folder(const FileName& name, std::string_view action) const {
  Opened opened = root.openFolder(name);
  if (!opened) throw diskFailure(opened.error, action, name);
  return std::move(opened.fd);
}

// Makes folders, and syncs those that hold new ones: one thread at a time, unless nothing is synced.
class DiskCore::Making {
 public:
  explicit Making(DiskCore& core) : core_(core), lock_(core.making_, std::defer_lock) {
    if (!core_.syncsFolders()) return;
    lock_.lock();
    core_.makes_ = true;
  }
  // Others may have seen the folders already, so they are synced also when the making has failed. What cannot be synced
  // is left to the next.
  ~Making() {
    if (!lock_) return;
    sync();
    core_.makes_ = !core_.unsynced_.empty();
  }
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;

  Opened makeAll(const FileName& name, std::size_t fixed = 0) {
    const RootedFolder::Making how{core_.options.folderMode, fixed, [this](int parent) { return made(parent); }};
    return core_.root.makeFolders(name, how);
  }
  int makeOne(int parent, const std::string& leaf, std::optional<std::uint32_t> mode) {
    // The daemon must be able to use what it has made.
    const mode_t bits = mode ? (*mode & kModeMask) | S_IRWXU : core_.options.folderMode;
    const int error = core_.root.makeGivenChild(parent, leaf, bits);
    return error != 0 ? error : made(parent);
  }
  int makeUnlessThere(int parent, const std::string& leaf, std::optional<std::uint32_t> mode) {
    const int error = makeOne(parent, leaf, mode);
    return error == EEXIST ? core_.root.openChildFolder(parent, leaf).error : error;
  }
  // To be called before anyone is told. Returns an errno.
  int sync() {
    int error = 0;
    if (!lock_) return error;
    std::erase_if(core_.unsynced_, [&](const Unsynced& parent) {
      const int failed = core_.syncFolder(parent.fd.get());
      if (failed != 0) error = failed;
      return failed == 0;
    });
    return error;
  }

 private:
  static constexpr std::size_t kMaxOpen = 64;

  int made(int folder) {
    struct stat info {};
    if (!lock_) return 0;
    if (::fstat(folder, &info) != 0) return errno;
    std::vector<Unsynced>& parents = core_.unsynced_;
    const bool known =
        std::any_of(parents.begin(), parents.end(), [&](const Unsynced& p) { return p.inode == info.st_ino; });
    if (known) return 0;
    UniqueFd held(::fcntl(folder, F_DUPFD_CLOEXEC, 0));
    if (!held) return errno;
    parents.push_back({std::move(held), info.st_ino});
    return parents.size() < kMaxOpen ? 0 : sync();
  }

  DiskCore& core_;
  std::unique_lock<std::mutex> lock_;
};

UniqueFd DiskCore::folderMadeIfMissing(const FileName& name, std::string_view action, std::size_t fixed) {
  Opened opened = root.openFolder(name);
  if (opened.error == ENOENT) {
    Making making(*this);
    // What an earlier one has left first, so that it does not grow.
    opened.error = making.sync();
    if (opened) opened = making.makeAll(name, fixed);
    if (const int error = making.sync(); error != 0) opened.error = error;
  } else if (opened && syncsFolders() && makes_.load()) {
    opened.error = Making(*this).sync();
  }
  if (!opened) throw diskFailure(opened.error, action, name);
  return std::move(opened.fd);
}

void DiskCore::makeFolders(std::span<const FolderToMake> folders, std::string_view action) {
  Making making(*this);
  if (const int error = making.sync(); error != 0) throw failureFromErrno(error, "cannot sync the new folders");
  // Names that come together are mostly in one folder, which is looked up once.
  std::optional<FileName> parent;
  Opened at;
  for (const auto& [name, mode] : folders) {
    if (name.isRoot()) continue;
    if (parent != name.parent()) {
      parent = name.parent();
      at = making.makeAll(*parent);
    }
    const std::string leaf(name.leaf());
    int error = at ? making.makeUnlessThere(at.fd.get(), leaf, mode) : at.error;
    if (error == ENOENT) {
      // The parent was removed since.
      at = making.makeAll(*parent);
      error = at ? making.makeUnlessThere(at.fd.get(), leaf, mode) : at.error;
    }
    if (error != 0) throw diskFailure(error, action, name);
  }
  if (const int error = making.sync(); error != 0) throw failureFromErrno(error, "cannot sync the new folders");
}

int DiskCore::makeChild(int parent, const std::string& leaf, std::optional<std::uint32_t> mode) {
  Making making(*this);
  int error = making.sync();
  if (error == 0) error = making.makeOne(parent, leaf, mode);
  return error != 0 ? error : making.sync();
}

int DiskCore::syncFolder(int folder) const {
  if (!syncsFolders()) return 0;
  return ::fsync(folder) == 0 ? 0 : errno;
}

}  // namespace ft
