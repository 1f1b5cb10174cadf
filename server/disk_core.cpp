#include "server/disk_core.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "server/disk_failure.h"

namespace ft {
namespace {

constexpr unsigned kMaxHashers = 4;

// The umask can only be read by setting it. Once, before there are other threads that make files.
mode_t readUmask() {
  const mode_t mask = ::umask(077);
  ::umask(mask);
  return mask;
}

UniqueFd openRoot(const std::string& root) {
  makeRoot(root);
  UniqueFd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw std::runtime_error("cannot open the root " + root + ": " + std::generic_category().message(errno));
  return fd;
}

unsigned hasherCount() { return std::clamp(std::thread::hardware_concurrency(), 1U, kMaxHashers); }

}  // namespace

void makeRoot(const std::string& root) {
  std::error_code failed;
  const auto parent = std::filesystem::absolute(root, failed).lexically_normal().parent_path();
  if (!failed) std::filesystem::create_directories(parent, failed);
  if (::mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) {
    throw std::runtime_error("cannot make the root " + root + ": " + std::generic_category().message(errno));
  }
}

DiskCore::DiskCore(DiskStorageOptions given)
    : options(std::move(given)),
      umask_(readUmask()),
      root(openRoot(options.root), options.useOpenat2, options.owner),
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

// Makes folders, one thread at a time, and syncs those that hold new ones.
class DiskCore::Making {
 public:
  explicit Making(DiskCore& core) : core_(core), lock_(core.making_) { core_.makes_ = true; }
  // Others may have seen the folders already, so they are synced also when the making has failed.
  ~Making() {
    sync();
    core_.makes_ = false;
  }
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;

  Opened makeAll(const FileName& name, std::size_t fixed = 0) {
    const RootedFolder::Making how{core_.options.folderMode, fixed, [this](int parent) { return made(parent); }};
    return core_.root.makeFolders(name, how);
  }
  int makeOne(int parent, const std::string& leaf) {
    const int error = core_.root.makeGivenChild(parent, leaf, core_.options.folderMode);
    return error != 0 ? error : made(parent);
  }
  // To be called before anyone is told. Returns an errno.
  int sync() {
    int error = 0;
    for (const Parent& parent : parents_) {
      if (const int failed = core_.syncFolder(parent.fd.get()); failed != 0) error = failed;
    }
    parents_.clear();
    return error;
  }

 private:
  struct Parent {
    UniqueFd fd;
    ino_t inode = 0;
  };
  static constexpr std::size_t kMaxOpen = 64;

  int made(int folder) {
    struct stat info {};
    if (!core_.syncsFolders()) return 0;
    if (::fstat(folder, &info) != 0) return errno;
    const bool known =
        std::any_of(parents_.begin(), parents_.end(), [&](const Parent& p) { return p.inode == info.st_ino; });
    if (known) return 0;
    if (const int error = parents_.size() == kMaxOpen ? sync() : 0; error != 0) return error;
    parents_.push_back({UniqueFd(::fcntl(folder, F_DUPFD_CLOEXEC, 0)), info.st_ino});
    return parents_.back().fd ? 0 : errno;
  }

  DiskCore& core_;
  const std::lock_guard<std::mutex> lock_;
  std::vector<Parent> parents_;
};

UniqueFd DiskCore::folderMadeIfMissing(const FileName& name, std::string_view action, std::size_t fixed) {
  Opened opened = root.openFolder(name);
  if (opened.error == ENOENT) {
    Making making(*this);
    opened = making.makeAll(name, fixed);
    if (const int error = making.sync(); error != 0) opened.error = error;
  } else if (syncsFolders() && makes_.load()) {
    const std::lock_guard waited(making_);
  }
  if (!opened) throw diskFailure(opened.error, action, name);
  return std::move(opened.fd);
}

void DiskCore::makeFolders(std::span<const FileName> names, std::string_view action) {
  Making making(*this);
  for (const FileName& name : names) {
    const Opened opened = making.makeAll(name);
    if (!opened) throw diskFailure(opened.error, action, name);
  }
  if (const int error = making.sync(); error != 0) throw failureFromErrno(error, "cannot sync the new folders");
}

int DiskCore::makeChild(int parent, const std::string& leaf) {
  Making making(*this);
  const int error = making.makeOne(parent, leaf);
  return error != 0 ? error : making.sync();
}

int DiskCore::syncFolder(int folder) const {
  if (!syncsFolders()) return 0;
  return ::fsync(folder) == 0 ? 0 : errno;
}

}  // namespace ft
