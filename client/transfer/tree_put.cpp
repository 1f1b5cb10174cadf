#include "client/transfer/tree_put.h"

#include <future>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "client/failures.h"
#include "client/local/file_digest.h"

namespace ft {
namespace {

// Files that are looked at together: their names are what the memory is needed for, twice.
constexpr std::size_t kBatch = 20'000;

// Who may store files but make no folder is refused for one that is there, too. Of one that is not, its files tell.
bool isThereAnyway(const LocalFolder& folder, const Failure& failure) {
  return !folder.empty && failure.code() == ErrorCode::Forbidden;
}

}  // namespace

void TreePut::run(const std::string& local, const FileName& remote) {
  local_ = local;
  remote_ = remote;
  LocalWalk walk(local, observer_);
  std::future<LocalBatch> first = std::async(std::launch::async, [&walk] { return walk.next(kBatch); });
  link_.connect();
  LocalBatch batch = first.get();
  expect(batch);
  check_ = !options_.always && remoteExists(remote);
  while (batch.size() > 0) {
    std::future<LocalBatch> ahead;
    if (batch.size() >= kBatch) ahead = std::async(std::launch::async, [&walk] { return walk.next(kBatch); });
    putBatch(batch);
    batch = ahead.valid() ? ahead.get() : LocalBatch();
  }
  partsLeftOut_ = walk.partsLeftOut();
}

void TreePut::expect(const LocalBatch& batch) {
  std::uint64_t bytes = 0;
  for (const LocalFile& file : batch.files) bytes += file.size;
  puts_.expect(batch.files.size(), bytes);
}

bool TreePut::remoteExists(const FileName& remote) {
  return link_.persist([&] {
    try {
      return link_.client().stat(remote).type == RemoteType::Folder;
    } catch (const Failure& failure) {
      if (mayPass(failure)) throw;
      return false;
    }
  });
}

void TreePut::putBatch(const LocalBatch& batch) {
  makeFolders(batch.folders);
  std::vector<PutJob> candidates;
  std::vector<CheckEntry> entries;
  for (const LocalFile& file : batch.files) {
    PutJob job = jobFor(file);
    try {
      job.remote = remote_.child(file.relative);
    } catch (const Failure& failure) {
      observer_.ended(failedOutcome(job, failure));
      continue;
    }
    entries.push_back({file.relative, file.size, file.mtimeNs, file.mode});
    candidates.push_back(std::move(job));
  }
  const std::vector<bool> send = needed(candidates, entries);
  std::deque<PutJob> jobs;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!send[i]) {
      observer_.ended(unchangedOutcome(candidates[i].path, candidates[i].size));
      continue;
    }
    bytes += candidates[i].size;
    jobs.push_back(std::move(candidates[i]));
  }
  observer_.planned(jobs.size(), bytes);
  puts_.put(std::move(jobs), timesOf(batch.finished));
}

FolderTimes TreePut::timesOf(std::span<const LocalFolderTime> folders) const {
  std::vector<NewFolder> timed;
  for (const LocalFolderTime& folder : folders) {
    // Of a name that is not allowed there, what is in it tells. The server's root is its own.
    const bool top = folder.relative.empty();
    if (top ? !remote_.isRoot() : remote_.canHold(folder.relative)) {
      timed.push_back({folder.relative, std::nullopt, folder.mtimeNs});
    }
  }
  return {remote_, std::move(timed)};
}

PutJob TreePut::jobFor(const LocalFile& file) const {
  PutJob job;
  job.path = pathBelow(local_, file.relative);
  job.size = file.size;
  job.links = SourceFile::Links::Refuse;
  job.digest = options_.digest.value_or(DigestAlgorithm::Xxh128);
  return job;
}

void TreePut::makeFolders(std::span<const LocalFolder> folders) {
  std::vector<NewFolder> made;
  for (const LocalFolder& folder : folders) {
    try {
      if (folder.relative.empty()) {
        makeTop(folder);
      } else if (remote_.child(folder.relative).text() != remote_.text()) {
        made.push_back({folder.relative, folder.mode, folder.mtimeNs});
      }
    } catch (const Failure& failure) {
      if (mayPass(failure)) throw;
      if (!isThereAnyway(folder, failure)) folderFailed(folder.relative, failure);
    }
  }
  const std::vector<FolderPuts::Refused> allRefused = puts_.makeFolders(remote_, std::move(made));
  if (allRefused.empty()) return;
  std::unordered_map<std::string_view, const LocalFolder*> byName;
  for (const LocalFolder& folder : folders) byName[folder.relative] = &folder;
  for (const FolderPuts::Refused& refused : allRefused) {
    if (!isThereAnyway(*byName.at(refused.name), refused.failure)) folderFailed(refused.name, refused.failure);
  }
}

void TreePut::makeTop(const LocalFolder& top) {
  if (remote_.isRoot()) return;
  link_.persist([&] { link_.client().mkdir(remote_, true, top.mode); });
}

void TreePut::folderFailed(const std::string& relative, const Failure& failure) {
  observer_.ended(failedOutcome(pathBelow(local_, relative), failure));
}

std::vector<bool> TreePut::needed(std::span<const PutJob> jobs, std::span<const CheckEntry> entries) {
  std::vector<bool> send(jobs.size(), !check_);
  if (!check_ || jobs.empty()) return send;
  // Where nothing is to be replaced, other bits are no reason to send a file.
  const CheckBits bits = options_.replace ? CheckBits::Compare : CheckBits::Ignore;
  const auto indexes = link_.persist([&] { return link_.client().check(remote_, entries, bits); });
  for (const std::size_t index : indexes) send[index] = true;
  if (!options_.checksum) return send;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!send[i]) send[i] = !sameContent(jobs[i]);
  }
  return send;
}

bool TreePut::sameContent(const PutJob& job) {
  try {
    const SourceFile source = openSource(job);
    Digest digest(job.digest);
    hashFile({source.fd(), 0, source.size()}, digest, link_.stop());
    return link_.persist([&] { return link_.client().sum(job.remote, job.digest); }) == digest.value();
  } catch (const Failure&) {
    return false;  // sending it tells what is wrong
  }
}

}  // namespace ft
