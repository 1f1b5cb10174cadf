#pragma once
// Stores files as LinkPuts does, and makes folders, over as many connections as the line deserves.

#include <deque>
#include <utility>
#include <vector>

#include "client/transfer/folder_puts.h"
#include "client/transfer/folder_times.h"
#include "client/transfer/link_puts.h"
#include "client/transfer/segment_put.h"
#include "client/transfer/shared_observer.h"
#include "client/transfer/side_links.h"

namespace ft {

class ParallelPuts {
 public:
  ParallelPuts(Link& link, const TransferOptions& options, TransferObserver& observer)
      : options_(options),
        observer_(observer),
        sides_(link, options.connections),
        puts_(link, options, observer_),
        segments_(link, sides_, options, observer_),
        folders_(link, sides_) {}

  // For those that tell the same observer beside put(), from any thread.
  TransferObserver& observer() { return observer_; }
  // So much is to come: connections that are worth it are made meanwhile. Throws as Link::persist().
  void expect(std::uint64_t files, std::uint64_t bytes) { sides_.open(sides_.widthFor(files, bytes)); }
  // As FolderPuts::make().
  std::vector<FolderPuts::Refused> makeFolders(const FileName& base, std::vector<NewFolder> folders) {
    return folders_.make(base, std::move(folders));
  }
  // As LinkPuts::put(); each connection sets the times of the folders that it has changed.
  void put(std::deque<PutJob> jobs, FolderTimes times = {});

 private:
  // What one connection stores.
  struct Share {
    std::deque<PutJob> small;
    std::deque<PutJob> large;
    FolderTimes times{};
  };
  // What the connections leave to the first one.
  struct Left {
    std::deque<PutJob> jobs;
    FolderTimes times;
  };
  void putShares(std::deque<PutJob> jobs, FolderTimeShares& times, Left& left);
  std::vector<Share> sharesOf(std::deque<PutJob> jobs);

  const TransferOptions& options_;
  SharedObserver observer_;
  SideLinks sides_;
  LinkPuts puts_;
  SegmentPut segments_;
  FolderPuts folders_;
};

}  // namespace ft
