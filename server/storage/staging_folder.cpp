#include "server/storage/staging_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>

#include "common/error.h"
#include "common/protocol.h"
#include "common/unnamed_file.h"
#include "server/storage/disk_failure.h"
#include "server/storage/folder_reader.h"

namespace ft {
namespace {

constexpr mode_t kPrivate = 0700;

std::string hex(std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return std::string(digits.data(), end.ptr);
}

std::runtime_error unusable(const std::string& what, int error) {
  return std::runtime_error(what + ": " + errorText(error));
}

// Opens a folder of ours, made when it is missing. Anything else of that name, a link too, is an error.
UniqueFd openOwn(const RootedFolder& root, int parent, const std::string& leaf, const std::string& shown) {
  const int made = root.makeChild(parent, leaf, kPrivate);
  if (made != 0 && made != EEXIST) throw unusable("cannot make " + shown, made);
  Opened folder = root.openChild(parent, leaf, O_RDONLY | O_DIRECTORY);
  if (!folder) throw unusable("cannot open " + shown, folder.error);
  return std::move(folder.fd);
}

}  // namespace

StagedFile& StagedFile::operator=(StagedFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(folder_, other.folder_);
  std::swap(name_, other.name_);
  return *this;
}

StagedFile::~StagedFile() {
  // Closed first, so that its space is free again when its name is gone.
  fd_.reset();
  if (!name_.empty()) ::unlinkat(folder_, name_.c_str(), 0);
}

StateFolder::StateFolder(const RootedFolder& root, const std::string& rootText, bool needed) {
  try {
    take(root, rootText);
  } catch (const std::runtime_error&) {
    if (needed) throw;
    // What is there may be another daemon's.
    for (UniqueFd* const fd : {&folder_, &lock_, &staging_, &parts_}) fd->reset();
  }
}

void StateFolder::take(const RootedFolder& root, const std::string& rootText) {
  const std::string shown = rootText + "/" + std::string(kReservedFolder);
  folder_ = openOwn(root, root.fd(), std::string(kReservedFolder), shown);
  Opened lock = root.openChild(folder_.get(), "lock", O_RDWR | O_NONBLOCK);
  if (lock.error == ENOENT) {
    lock.fd.reset(::openat(folder_.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
    lock.error = lock.fd ? 0 : errno;
  }
  if (!lock) throw unusable("cannot open " + shown + "/lock", lock.error);
  if (::flock(lock.fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw unusable("cannot lock " + shown + "/lock", errno);
    throw std::runtime_error("another daemon serves the root " + rootText + " (" + shown + "/lock is locked)");
  }
  lock_ = std::move(lock.fd);
  staging_ = openOwn(root, folder_.get(), "staging", shown + "/staging");
  parts_ = openOwn(root, folder_.get(), "parts", shown + "/parts");
}

StagingFolder::StagingFolder(int folder) : folder_(folder) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) {
    random = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  }
  run_ = hex(random) + "-";
  unnamed_ = canLinkUnnamed(folder_, nextName());
  keepsModes_ = canKeepModes();
}

std::string StagingFolder::nextName() { return run_ + hex(counter_.fetch_add(1, std::memory_order_relaxed)); }

// On a full disk nothing is known, and the usual is assumed.
bool StagingFolder::canKeepModes() {
  constexpr mode_t kUnlikely = 0620;
  const std::string name = nextName();
  const StagedFile probe(
      UniqueFd(::openat(folder_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)), folder_,
      name);
  struct stat status {};
  if (probe.fd() < 0 || ::fchmod(probe.fd(), kUnlikely) != 0) return probe.fd() < 0;
  return ::fstat(probe.fd(), &status) != 0 || (status.st_mode & kModeMask) == kUnlikely;
}

StagedFile StagingFolder::createUnnamed(mode_t mode) {
  if (!unnamed_) return create(mode);
  UniqueFd fd = openUnnamed(folder_, mode);
  if (!fd) throw ownFolderFailure(errno, "cannot make a staging file");
  return StagedFile(std::move(fd), folder_, "");
}

int StagingFolder::name(StagedFile& file) {
  std::string name = nextName();
  if (const int error = linkUnnamed(file.fd(), folder_, name); error != 0) return error;
  file.named(std::move(name));
  return 0;
}

StagedFile StagingFolder::create(mode_t mode) {
  std::string name = nextName();
  UniqueFd fd(::openat(folder_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd) throw ownFolderFailure(errno, "cannot make a staging file");
  return StagedFile(std::move(fd), folder_, std::move(name));
}

bool StagingFolder::clean(Deadline deadline) {
  if (clean_.load(std::memory_order_relaxed)) return true;
  const UniqueFd own(::openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  FolderReader reader(own.get());
  FolderReader::Entry entry;
  while (reader.next(entry)) {
    if (entry.name.starts_with(run_)) continue;
    ::unlinkat(folder_, std::string(entry.name).c_str(), 0);
    if (std::chrono::steady_clock::now() >= deadline) return false;
  }
  clean_.store(true, std::memory_order_relaxed);
  return true;
}

}  // namespace ft
