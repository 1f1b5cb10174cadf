#include "client/transfer/tree_get.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "client/failures.h"
#include "client/local/file_digest.h"
#include "client/local/source_file.h"
#include "client/transfer/fetched_group.h"
#include "client/transfer/parallel_gets.h"
#include "common/escape.h"
#include "common/protocol.h"

namespace ft {
namespace {

// Files that are fetched together, and folders that may wait: their names are what the memory is needed for.
constexpr std::size_t kBatch = 20'000;
constexpr std::size_t kMaxWaiting = 500'000;
// Lists that are asked for at once.
constexpr std::size_t kMaxLists = 32;
// Folders that wait to be synced: each is an open descriptor.
constexpr std::size_t kMaxTouched = 256;

}  // namespace

void TreeGet::run(const FileName& remote, const std::string& local, std::optional<RemoteInfo> info) {
  info_ = info;
  TargetFolder target = openTarget(remote, local);
  ParallelGets gets(link_, options_, observer_, target);
  pages_.push_back({remote, "", info_ ? info_->mtimeNs : std::nullopt});
  while (!pages_.empty()) {
    std::deque<GetJob> jobs;
    while (!pages_.empty() && jobs.size() + doubtful_.size() < kBatch) {
      link_.persist([&] { listSome(target, jobs); });
      settleFolders(target, kMaxTouched);
    }
    compareDoubtful(target, jobs);
    std::uint64_t bytes = 0;
    for (const GetJob& job : jobs) bytes += job.size.value_or(0);
    observer_.planned(jobs.size(), bytes);
    gets.get(std::move(jobs));
    settleFolders(target, 1);
    setTimes(target);
  }
  if (skipped_ > 0) observer_.warned(skippedText(std::exchange(skipped_, 0)));
  finishModes(target);
}

TargetFolder TreeGet::openTarget(const FileName& remote, const std::string& local) {
  struct stat status {};
  // The bits of the server's root are the daemon's own, and so is its time.
  if (remote.isRoot()) return TargetFolder::open(local, remote);
  try {
    if (!info_) info_ = link_.persist([&] { return link_.client().stat(remote); });
  } catch (const Failure& failure) {
    // Where it is merged into a folder, its list tells what is wrong.
    if (mayPass(failure) || ::stat(local.c_str(), &status) != 0) throw;
  }
  return TargetFolder::open(local, remote, info_ ? std::optional(info_->mode) : std::nullopt);
}

void TreeGet::folderListed(const Page& page) {
  if (page.mtimeNs) listed_.push_back({page.remote, *page.mtimeNs});
}

void TreeGet::setTimes(TargetFolder& target) {
  for (const FolderTime& folder : listed_) {
    try {
      target.setTime(folder.remote, folder.mtimeNs);
    } catch (const Failure& failure) {
      observer_.warned(std::string("the time of a folder could not be set: ") + failure.what());
    }
  }
  listed_.clear();
}

void TreeGet::finishModes(TargetFolder& target) {
  try {
    target.finishModes();
  } catch (const Failure& failure) {
    observer_.warned(std::string("the permission bits of a folder could not be set: ") + failure.what());
  }
}

void TreeGet::settleFolders(TargetFolder& target, std::size_t most) {
  if (target.touched() < most) return;
  FetchedGroup group(options_, observer_);
  group.touch(target.takeTouched());
  group.commit();
}

// Asks for several pages at once. A page leaves pages_ when its answer is here, so that nothing is lost when the line
// breaks.
void TreeGet::listSome(TargetFolder& target, std::deque<GetJob>& jobs) {
  const std::size_t count = std::min(pages_.size(), kMaxLists);
  Client client = link_.client();
  for (std::size_t i = 0; i < count; ++i) client.requestList(pages_[i].remote, pages_[i].after);
  for (std::size_t i = 0; i < count; ++i) {
    try {
      RemotePage listed = client.readList(pages_.front().remote, pages_.front().after);
      pages_.front().watch.look(listed);
      const Page page = std::move(pages_.front());
      pages_.pop_front();
      for (const RemoteEntry& entry : listed.entries) take(page, entry, target, jobs);
      for (const std::string& name : listed.bad) {
        failed(page.remote.text(), Failure(ErrorCode::NameInvalid, "the server lists the name '" + name + "'"));
      }
      skipped_ += listed.skipped;
      if (listed.next.empty()) {
        folderListed(page);
      } else {
        pages_.push_back({page.remote, std::move(listed.next), page.mtimeNs, page.watch});
      }
    } catch (const Failure& failure) {
      if (mayPass(failure)) throw;
      failed(pages_.front().remote.text(), failure);
      folderListed(pages_.front());
      pages_.pop_front();
    }
  }
}

void TreeGet::take(const Page& page, const RemoteEntry& entry, TargetFolder& target, std::deque<GetJob>& jobs) {
  const std::string shown = page.remote.isRoot() ? entry.name : page.remote.text() + "/" + entry.name;
  try {
    const FileName remote = page.remote.child(entry.name);
    if (entry.info.type == RemoteType::Folder) {
      if (pages_.size() >= kMaxWaiting) throw Failure(ErrorCode::TooLarge, "too many folders");
      target.folder(remote, entry.info.mode);
      pages_.push_back({remote, "", entry.info.mtimeNs});
      return;
    }
    if (entry.info.type != RemoteType::File) {
      observer_.warned(escapeText(shown) +
                       ": left out: " + (entry.info.type == RemoteType::Link ? "a symbolic link" : "a special file"));
      return;
    }
    if (isPartName(entry.name)) {
      ++partsLeftOut_;
      return;
    }
    GetJob job;
    job.remote = remote;
    job.folder = page.remote;
    job.leaf = entry.name;
    job.size = entry.info.size;
    job.shown = shown;
    const std::optional<std::uint32_t> ours = modeHere(job, entry.info, target);
    if (!ours || options_.always) {
      jobs.push_back(std::move(job));
      return;
    }
    Here file{std::move(job), entry.info.mode, *ours};
    if (options_.checksum) {
      doubtful_.push_back(std::move(file));
    } else {
      unchanged(file, target);
    }
  } catch (const Failure& failure) {
    failed(shown, failure);
  }
}

std::optional<std::uint32_t> TreeGet::modeHere(GetJob& job, const RemoteInfo& info, TargetFolder& target) {
  const FolderPtr folder = target.existing(job.folder);
  struct stat status {};
  job.free = job.inNewFolder = !folder || folder->fresh;
  if (job.free) return std::nullopt;
  if (::fstatat(folder->fd.get(), job.leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    job.free = errno == ENOENT;
    return std::nullopt;
  }
  job.free = S_ISREG(status.st_mode) && options_.replace;
  const bool same = S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == info.size &&
                    mtimeNsOf(status) == info.mtimeNs;
  return same ? std::optional(status.st_mode & kModeMask) : std::nullopt;
}

bool TreeGet::sameContent(const GetJob& job, TargetFolder& target) {
  const FolderPtr folder = target.existing(job.folder);
  if (!folder) return false;
  const UniqueFd fd(::openat(folder->fd.get(), job.leaf.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return false;
  Digest digest(options_.digest.value_or(DigestAlgorithm::Xxh128));
  try {
    hashFile({fd.get(), 0, job.size.value_or(0)}, digest, link_.stop());
    return link_.persist([&] { return link_.client().sum(job.remote, digest.algorithm()); }) == digest.value();
  } catch (const Failure&) {
    return false;  // fetching it tells what is wrong
  }
}

void TreeGet::compareDoubtful(TargetFolder& target, std::deque<GetJob>& jobs) {
  for (; !doubtful_.empty(); doubtful_.pop_back()) {
    if (sameContent(doubtful_.back().job, target)) {
      unchanged(doubtful_.back(), target);
    } else {
      jobs.push_back(std::move(doubtful_.back().job));
    }
  }
}

void TreeGet::takeMode(const Here& file, TargetFolder& target) {
  const FolderPtr folder = target.existing(file.job.folder);
  if (!folder) return;
  if (::fchmodat(folder->fd.get(), file.job.leaf.c_str(), file.theirs, AT_SYMLINK_NOFOLLOW) == 0) return;
  observer_.warned(escapeText(file.job.shown) + ": the permission bits could not be set: " + errorText(errno));
}

void TreeGet::unchanged(const Here& file, TargetFolder& target) {
  if (file.ours != file.theirs && options_.replace) takeMode(file, target);
  observer_.ended(unchangedOutcome(file.job.shown, file.job.size.value_or(0)));
}

void TreeGet::failed(const std::string& name, const std::exception& error) {
  observer_.ended(failedOutcome(name, error));
}

}  // namespace ft
