#pragma once
// Gives many fetched files their names together: all are synced, then renamed, then their folders are synced. Only
// after that the observer is told that a file is stored.

#include <functional>
#include <vector>

#include "client/local/part_file.h"
#include "client/transfer/transfer.h"

namespace ft {

class FetchedGroup {
 public:
  FetchedGroup(const TransferOptions& options, TransferObserver& observer);

  // A file that is whole and verified. Commits when the group is full.
  void add(PartFile part, FileOutcome outcome);
  // Commits what is there. Each file's end is told to the observer; failures are told, not thrown.
  void commit();
  // Folders in which folders were made; they are synced with the next commit.
  void touch(std::vector<FolderPtr> folders);

 private:
  struct Entry {
    PartFile part;
    FileOutcome outcome;
  };
  void sync(std::vector<Entry>& entries);
  static bool attempt(Entry& entry, const std::function<void(PartFile&)>& action);

  const TransferOptions& options_;
  TransferObserver& observer_;
  const std::size_t mostFiles_;
  std::vector<Entry> entries_;
  std::uint64_t bytes_ = 0;
  std::vector<FolderPtr> folders_;
};

}  // namespace ft
