#include "server/storage/digest_keeper.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "server/storage/follow_digest.h"

namespace ft {
namespace {

// More are not worth their memory: whoever asks for the others waits for their digest, as ever.
constexpr std::size_t kMostWaiting = 4096;
// Of a file, before anyone looks again whether its digest is still wanted.
constexpr std::uint64_t kStep = 1 << 20;
constexpr int kReadFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

bool isOfVersion(int fd, const FileVersion& version) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink > 0 && versionOf(info) == version;
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
  if (version.size < kShortestToRemember || !thread_.joinable()) return;
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
    std::vector<Stored> files;  // takes what waits over without asking for memory
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
    attempt([&] { writeDown(files); });
    for (const Stored& file : files) attempt([&] { takeMd5(file); });
    if (stopping()) return;
  }
}

// What fails (memory that runs out, say) costs digests and nothing else: who asks for one waits for it, as ever.
template <typename Action>
void DigestKeeper::attempt(const Action& action) {
  try {
    action();
  } catch (const std::exception&) {
    return;
  }
}

void DigestKeeper::writeDown(const std::vector<Stored>& files) {
  std::vector<KnownDigest> known;
  for (const Stored& file : files) {
    for (const DigestValue& digest : file.digests) known.push_back({file.version, digest});
  }
  index_.append(known);
}

void DigestKeeper::takeMd5(const Stored& file) {
  if (!options_.md5 || hasMd5(file.digests)) return;
  if (stopping() || cache_.find(file.version, DigestAlgorithm::Md5)) return;
  const Opened opened = root_.open(file.name, kReadFlags);
  if (!opened) return;
  const int fd = opened.fd.get();
  DigestSet digests({DigestAlgorithm::Md5});
  for (std::uint64_t position = 0; position < file.version.size;) {
    if (stopping() || !isOfVersion(fd, file.version)) return;
    const std::uint64_t end = std::min(file.version.size, position + kStep);
    if (digestRange(fd, position, end, digests) != 0) return;
    position = end;
  }
  if (!isOfVersion(fd, file.version)) return;
  const KnownDigest known{file.version, digests.value(DigestAlgorithm::Md5)};
  cache_.remember(known.version, known.digest);
  index_.append(std::span(&known, 1));
}

}  // namespace ft
