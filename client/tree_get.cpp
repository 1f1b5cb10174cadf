#include "client/tree_get.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "client/commit_group.h"
#include "client/file_digest.h"
#include "client/parallel_gets.h"
#include "client/source_file.h"
#include "common/escape.h"

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

void TreeGet::run(const FileName& remote, const std::string& local) {
  TargetFolder target = TargetFolder::open(local, remote);
  ParallelGets gets(link_, options_, observer_, target);
  pages_.push_back({remote, ""});
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
  }
}

void TreeGet::settleFolders(TargetFolder& target, std::size_t most) {
  if (target.touched() < most) return;
  CommitGroup group(options_, observer_);
  group.touch(target.takeTouched());
  group.commit();
}

// Asks for several pages at once. A page leaves pages_ when its answer is here, so that nothing is lost when the line breaks.
void TreeGet::listSome(TargetFolder& target, std::deque<GetJob>& jobs) {
  const std::size_t count = std::min(pages_.size(), kMaxLists);
  Client client = link_.client();
  for (std::size_t i = 0; i < count; ++i) client.requestList(pages_[i].remote, pages_[i].after);
  for (std::size_t i = 0; i < count; ++i) {
    try {
      RemotePage listed = client.readList(pages_.front().after);
      const Page page = std::move(pages_.front());
      pages_.pop_front();
      for (const RemoteEntry& entry : listed.entries) take(page, entry, target, jobs);
      for (const std::string& name : listed.bad) {
        failed(page.remote.text(), Failure(ErrorCode::NameInvalid, "the server lists the name '" + name + "'"));
      }
      if (listed.skipped > 0) {
        observer_.warned(
            escapeText(page.remote.text()) + ": " + std::to_string(listed.skipped) +
            " names that no client can use (not UTF-8, or with a backslash or control characters) are left out");
      }
      if (!listed.next.empty()) pages_.push_back({page.remote, std::move(listed.next)});
    } catch (const Failure& failure) {
      if (mayPass(failure)) throw;
      failed(pages_.front().remote.text(), failure);
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
      target.folder(remote);
      pages_.push_back({remote, ""});
      return;
    }
    if (entry.info.type != RemoteType::File) {
      observer_.warned(escapeText(shown) +
                       ": left out: " + (entry.info.type == RemoteType::Link ? "a symbolic link" : "a special file"));
      return;
    }
    GetJob job;
    job.remote = remote;
    job.folder = page.remote;
    job.leaf = entry.name;
    job.size = entry.info.size;
    job.shown = shown;
    const bool here = isHere(job, entry.info, target) && !options_.always;
    if (here && options_.checksum) {
      doubtful_.push_back(std::move(job));
    } else if (here) {
      unchanged(job);
    } else {
      jobs.push_back(std::move(job));
    }
  } catch (const Failure& failure) {
    failed(shown, failure);
  }
}

bool TreeGet::isHere(GetJob& job, const RemoteInfo& info, TargetFolder& target) {
  const FolderPtr folder = target.existing(job.folder);
  struct stat status {};
  job.free = !folder || folder->fresh;
  if (job.free) return false;
  if (::fstatat(folder->fd.get(), job.leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    job.free = errno == ENOENT;
    return false;
  }
  job.free = S_ISREG(status.st_mode) && options_.replace;
  if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) != info.size) return false;
  return mtimeNsOf(status) == info.mtimeNs;
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
    if (sameContent(doubtful_.back(), target)) {
      unchanged(doubtful_.back());
    } else {
      jobs.push_back(std::move(doubtful_.back()));
    }
  }
}

void TreeGet::unchanged(const GetJob& job) {
  FileOutcome outcome;
  outcome.state = FileOutcome::State::Unchanged;
  outcome.name = job.shown;
  outcome.size = job.size.value_or(0);
  observer_.ended(outcome);
}

void TreeGet::failed(const std::string& name, const std::exception& error) {
  FileOutcome outcome;
  outcome.state = FileOutcome::State::Failed;
  outcome.name = name;
  outcome.problem = problemOf(error);
  observer_.ended(outcome);
}

}  // namespace ft
