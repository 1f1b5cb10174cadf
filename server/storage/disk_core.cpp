#include "server/storage/disk_core.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "common/error.h"
#include "common/private_folder.h"
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
      state(root, options.root, !options.readOnly),
      staging(state.staging()),
      parts(state.parts(), options.partExpire, options.leastPart),
      space(root.fd(), options.minFree),
      folders(root, options.folderMode, syncsFolders()),
      hashers(hasherCount()),
      // What may be lost with the power is not written down: the digest could outlive the bytes.
      keeper(root, state.folder(), digests, {options.backgroundMd5, syncsFiles() && state.usable()}) {}

UniqueFd DiskCore::folder(const FileName& name, std::string_view action) const {
  Opened opened = root.openFolder(name);
  if (!opened) throw folderFailure(root, opened.error, action, name);
  return std::move(opened.fd);
}

int DiskCore::syncFolder(int folder) const {
  if (!syncsFolders()) return 0;
  return ::fsync(folder) == 0 ? 0 : errno;
}

}  // namespace ft
