#pragma once
// Stores a local folder with all that is in it. Files that the server has already, by size, time and permission bits,
// are not sent again. Folders that are made get the bits of the local ones, and all get their times.

#include <cstdint>
#include <span>
#include <string>

#include "client/transfer/local_walk.h"
#include "client/transfer/parallel_puts.h"

namespace ft {

class TreePut {
 public:
  TreePut(Link& link, const TransferOptions& options, TransferObserver& observer)
      : link_(link), options_(options), puts_(link, options, observer), observer_(puts_.observer()) {}

  // `local` becomes the remote folder `remote`. Throws as LinkPuts::put().
  void run(const std::string& local, const FileName& remote);
  // Files of `local` that have the names of parts: what gets have left is not stored. Told by the caller.
  std::uint64_t partsLeftOut() const { return partsLeftOut_; }

 private:
  // Connections that the first batch is worth are made while the server is asked for the folder.
  void expect(const LocalBatch& batch);
  bool remoteExists(const FileName& remote);
  void putBatch(const LocalBatch& batch);
  FolderTimes timesOf(std::span<const LocalFolderTime> folders) const;
  void makeFolders(std::span<const LocalFolder> folders);
  void makeTop(const LocalFolder& top);
  void folderFailed(const std::string& relative, const Failure& failure);
  PutJob jobFor(const LocalFile& file) const;
  // Which of the files have to be sent; `entries` are the same files as the server is asked about them.
  std::vector<bool> needed(std::span<const PutJob> jobs, std::span<const CheckEntry> entries);
  bool sameContent(const PutJob& job);

  Link& link_;
  const TransferOptions& options_;
  ParallelPuts puts_;
  TransferObserver& observer_;  // that of puts_, as the folder is read ahead on another thread
  std::string local_;
  FileName remote_ = FileName::root();
  bool check_ = false;
  std::uint64_t partsLeftOut_ = 0;
};

}  // namespace ft
