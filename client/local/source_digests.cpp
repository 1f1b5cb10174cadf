#include "client/local/source_digests.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <filesystem>
#include <thread>
#include <utility>

#include "common/private_folder.h"
#include "common/unique_fd.h"
#include "common/whole_file.h"

namespace ft {
namespace {

// A longer file is not ours. Bytes.
constexpr std::size_t kLongest = SourceDigests::kMost * kLongestKnownDigest;
// Others hold the lock for a moment; one that stands still must not keep us.
constexpr int kLockTries = 20;
constexpr std::chrono::milliseconds kLockPause{5};

bool sameFile(const KnownDigest& a, const KnownDigest& b) {
  return a.version.device == b.version.device && a.version.inode == b.version.inode &&
         a.digest.algorithm == b.digest.algorithm;
}

bool same(const KnownDigest& a, const KnownDigest& b) { return a.version == b.version && a.digest == b.digest; }

std::string folderOf(const std::string& path) { return std::filesystem::path(path).parent_path(); }
std::string leafOf(const std::string& path) { return std::filesystem::path(path).filename(); }

UniqueFd openFolder(const std::string& folder) {
  return UniqueFd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// "" where nothing can be read that is ours.
std::string readText(int folder, const std::string& leaf) {
  const UniqueFd file(::openat(folder, leaf.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return "";
  std::string text;
  if (readAtMost(file.get(), kLongest + 1, text) != 0 || text.size() > kLongest) return "";
  return text;
}

std::vector<KnownDigest> readKnown(int folder, const std::string& leaf) {
  const std::string text = readText(folder, leaf);
  std::vector<KnownDigest> known;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (auto one = readKnownDigest(std::string_view(text).substr(begin, end - begin))) known.push_back(std::move(*one));
    begin = end + 1;
  }
  return known;
}

bool lockFolder(int folder) {
  for (int tries = 0; ::flock(folder, LOCK_EX | LOCK_NB) != 0; ++tries) {
    if ((errno != EWOULDBLOCK && errno != EINTR) || tries == kLockTries) return false;
    std::this_thread::sleep_for(kLockPause);
  }
  return true;
}

// Under another user's home (sudo may leave HOME as it is) nothing is made that this user could not remove.
bool isOwn(int folder) {
  struct stat info {};
  return ::fstat(folder, &info) == 0 && info.st_uid == ::geteuid();
}

// Makes ~/.cache where it is missing, but no home: a user of whom it does not exist is to have none.
bool makeFolder(const std::string& folder) {
  const std::filesystem::path home = std::filesystem::path(folder).parent_path().parent_path();
  return ::access(home.c_str(), F_OK) == 0 && !makePrivateFolder(folder);
}

// Drops the oldest.
void shorten(std::vector<KnownDigest>& known) {
  if (known.size() > SourceDigests::kMost) {
    known.erase(known.begin(), known.end() - static_cast<std::ptrdiff_t>(SourceDigests::kMost));
  }
}

}  // namespace

SourceDigests::SourceDigests(std::string path, Clock clock) : path_(std::move(path)), clock_(std::move(clock)) {}

SourceDigests::~SourceDigests() {
  try {
    writeDown();
  } catch (const std::exception&) {
    return;  // it is lost
  }
}

SourceDigests::Clock SourceDigests::systemClock() {
  return [] {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::int64_t{std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()};
  };
}

bool SourceDigests::isWorthIt(const FileVersion& version, DigestAlgorithm algorithm) const {
  return !path_.empty() && version.size >= kWorthIt && algorithm != DigestAlgorithm::Xxh128;
}

bool SourceDigests::mayRemember(const FileVersion& version, DigestAlgorithm algorithm) const {
  if (!isWorthIt(version, algorithm)) return false;
  const std::int64_t settled = clock_() - kSettledNs;
  return version.mtimeNs <= settled && version.ctimeNs <= settled;
}

std::optional<DigestValue> SourceDigests::find(const FileVersion& version, DigestAlgorithm algorithm) {
  if (!isWorthIt(version, algorithm)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  load();
  for (const auto* known : {&fresh_, &known_}) {
    const auto found = std::find_if(known->rbegin(), known->rend(), [&](const KnownDigest& one) {
      return one.version == version && one.digest.algorithm == algorithm;
    });
    if (found != known->rend()) return found->digest;
  }
  return std::nullopt;
}

void SourceDigests::remember(const FileVersion& version, const DigestValue& digest) {
  const KnownDigest one{version, digest};
  const std::lock_guard lock(mutex_);
  std::erase_if(fresh_, [&one](const KnownDigest& other) { return sameFile(one, other); });
  fresh_.push_back(one);
  shorten(fresh_);
}

void SourceDigests::forget(const FileVersion& version, const DigestValue& digest) {
  const KnownDigest one{version, digest};
  const std::lock_guard lock(mutex_);
  for (auto* known : {&fresh_, &known_}) {
    std::erase_if(*known, [&one](const KnownDigest& other) { return same(one, other); });
  }
  wrong_.push_back(one);
}

void SourceDigests::load() {
  if (std::exchange(loaded_, true)) return;
  const UniqueFd folder = openFolder(folderOf(path_));
  if (folder) known_ = readKnown(folder.get(), leafOf(path_));
}

void SourceDigests::writeDown() const {
  if (path_.empty() || (fresh_.empty() && wrong_.empty()) || !makeFolder(folderOf(path_))) return;
  const UniqueFd folder = openFolder(folderOf(path_));
  if (!folder || !isOwn(folder.get()) || !lockFolder(folder.get())) return;
  // Anew, for others may have written meanwhile.
  std::vector<KnownDigest> known = readKnown(folder.get(), leafOf(path_));
  std::erase_if(known, [this](const KnownDigest& one) {
    return std::any_of(wrong_.begin(), wrong_.end(), [&one](const KnownDigest& other) { return same(one, other); }) ||
           std::any_of(fresh_.begin(), fresh_.end(), [&one](const KnownDigest& other) { return sameFile(one, other); });
  });
  known.insert(known.end(), fresh_.begin(), fresh_.end());
  shorten(known);
  std::string text;
  for (const KnownDigest& one : known) text += writeKnownDigest(one);
  replaceFile(folder.get(), leafOf(path_), text, {.mode = 0600, .sync = false});
}

RecalledDigest::RecalledDigest(SourceDigests* digests, const FileVersion& version, DigestAlgorithm algorithm)
    : digests_(digests), version_(version) {
  if (digests_ == nullptr) return;
  value_ = digests_->find(version, algorithm);
  mayRemember_ = !value_ && digests_->mayRemember(version, algorithm);
}

void RecalledDigest::confirm(const DigestValue& digest) {
  if (mayRemember_) digests_->remember(version_, digest);
}

bool RecalledDigest::forget() {
  if (!value_) return false;
  digests_->forget(version_, *value_);
  value_.reset();
  return true;
}

}  // namespace ft
