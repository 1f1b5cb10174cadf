#include "server/storage/digest_keeper.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ft {
namespace {

// More are not worth their memory: whoever asks for the others waits for their digest, as ever.
constexpr std::size_t kMostWaiting = 4096;
constexpr std::size_t kBlock = 256 * 1024;
constexpr int kReadFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

bool isOfVersion(int fd, const FileVersion& version) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && versionOf(info) == version;
}

bool hasMd5(const std::vector<DigestValue>& digests) {
  return std::any_of(digests.begin(), digests.end(),
                     [](const DigestValue& digest) { return digest.algorithm == DigestAlgorithm::Md5; });
}

}  // namespace

DigestKeeper::DigestKeeper(const RootedFolder& root, int state, DigestCache& cache, Options options)
    : root_(root), cache_(cache), options_(options), index_(options.writeDown ? state : -1) {
  if (options_.writeDown) notice_ = index_.load(cache_);
  if (options_.writeDown || options_.md5) thread_ = std::thread([this] { run(); });
}

DigestKeeper::~DigestKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void DigestKeeper::stored(const FileName& name, const FileVersion& version, const std::vector<DigestValue>& digests) {
  if (version.size <= kWorthKeeping || !thread_.joinable()) return;
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMostWaiting) return;
  waiting_.push_back({name, version, digests});
  changed_.notify_all();
}

bool DigestKeeper::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void DigestKeeper::run() {
  ::pthread_setname_np(::pthread_self(), "ftpd-digests");
  // Refused in some sandboxes: then it is one thread among others.
  const sched_param lowest{};
  ::sched_setscheduler(0, SCHED_IDLE, &lowest);
  for (;;) {
    std::deque<Stored> files;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      for (std::size_t before = 0; before != waiting_.size();) {
        before = waiting_.size();
        changed_.wait_for(lock, options_.quiet, [&] { return stopping_ || waiting_.size() != before; });
        if (stopping_) break;
      }
      files.swap(waiting_);
    }
    std::vector<KnownDigest> known;
    for (const Stored& file : files) {
      for (const DigestValue& digest : file.digests) known.push_back({file.version, digest});
    }
    index_.append(known);
    for (const Stored& file : files) {
      if (options_.md5 && !hasMd5(file.digests)) takeMd5(file);
    }
    if (stopping()) return;
  }
}

void DigestKeeper::takeMd5(const Stored& file) {
  if (stopping() || cache_.find(file.version, DigestAlgorithm::Md5)) return;
  const Opened opened = root_.open(file.name, kReadFlags);
  if (!opened || !isOfVersion(opened.fd.get(), file.version)) return;
  Digest md5(DigestAlgorithm::Md5);
  std::vector<std::byte> block(kBlock);
  for (std::uint64_t position = 0; position < file.version.size;) {
    if (stopping()) return;
    const ssize_t got = ::pread(opened.fd.get(), block.data(), block.size(), static_cast<off_t>(position));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    md5.update(std::span<const std::byte>(block).first(static_cast<std::size_t>(got)));
    position += static_cast<std::uint64_t>(got);
  }
  if (!isOfVersion(opened.fd.get(), file.version)) return;
  cache_.remember(file.version, md5.value());
  const KnownDigest known{file.version, md5.value()};
  index_.append(std::span(&known, 1));
}

}  // namespace ft
