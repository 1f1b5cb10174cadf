#include "client/transfer/fetched_group.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "common/file_sync.h"

namespace ft {
namespace {

// Descriptors that are open at once, and bytes that wait to be written. More gains nothing.
constexpr std::size_t kMaxFiles = 256;
// Of the descriptors that this process may have, each of so many groups at once takes its share.
constexpr std::size_t kShares = 32;
constexpr std::uint64_t kMaxBytes = 32 << 20;

std::size_t mostFiles(bool sync) {
  // Nothing is gained by waiting for others when nothing is synced.
  if (!sync) return 1;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  return std::clamp<std::size_t>(limit.rlim_cur / kShares, 1, kMaxFiles);
}

void syncFolders(std::vector<FolderPtr>& folders) {
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  for (const FolderPtr& folder : folders) {
    if (::fsync(folder->fd.get()) != 0) throw failureFromErrno(errno, escapeText(folder->path));
  }
  folders.clear();
}

}  // namespace

FetchedGroup::FetchedGroup(const TransferOptions& options, TransferObserver& observer)
    : options_(options), observer_(observer), mostFiles_(mostFiles(options.sync)) {}

void FetchedGroup::add(PartFile part, FileOutcome outcome) {
  bytes_ += outcome.size;
  entries_.push_back({std::move(part), std::move(outcome)});
  if (entries_.size() >= mostFiles_ || bytes_ >= kMaxBytes) commit();
}

void FetchedGroup::touch(std::vector<FolderPtr> folders) {
  folders_.insert(folders_.end(), std::make_move_iterator(folders.begin()), std::make_move_iterator(folders.end()));
}

bool FetchedGroup::attempt(Entry& entry, const std::function<void(PartFile&)>& action) {
  if (entry.outcome.state == FileOutcome::State::Failed) return false;
  try {
    action(entry.part);
    return true;
  } catch (const Failure& failure) {
    entry.outcome.state = FileOutcome::State::Failed;
    entry.outcome.problem = problemOf(failure);
    entry.part.discard();
    return false;
  }
}

void FetchedGroup::sync(std::vector<Entry>& entries) {
  std::vector<FileToSync> files;
  files.reserve(entries.size());
  for (const Entry& entry : entries) files.push_back({entry.part.fd()});
  syncFiles(files);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (const int error = files[i].error) attempt(entries[i], [error](PartFile& part) { part.fail(error); });
  }
}

void FetchedGroup::commit() {
  std::vector<Entry> entries = std::exchange(entries_, {});
  bytes_ = 0;
  if (entries.empty() && folders_.empty()) return;
  if (options_.sync && !entries.empty()) sync(entries);
  for (Entry& entry : entries) {
    if (attempt(entry, [this](PartFile& part) { part.publish(options_.replace); })) {
      folders_.push_back(entry.part.folder());
    }
  }
  std::optional<Problem> unsynced;
  if (options_.sync) {
    try {
      syncFolders(folders_);
    } catch (const Failure& failure) {
      unsynced = problemOf(failure);
    }
  }
  folders_.clear();
  for (Entry& entry : entries) {
    if (unsynced && entry.outcome.state != FileOutcome::State::Failed) {
      entry.outcome.state = FileOutcome::State::Failed;
      entry.outcome.problem = *unsynced;
    }
    observer_.ended(entry.outcome);
  }
}

}  // namespace ft
