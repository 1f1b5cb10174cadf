#pragma once
// Fetches files as FileGets does, over as many connections as the line deserves.

#include <deque>

#include "client/transfer/file_gets.h"
#include "client/transfer/range_get.h"
#include "client/transfer/shared_observer.h"
#include "client/transfer/side_links.h"

namespace ft {

class ParallelGets {
 public:
  ParallelGets(Link& link, const TransferOptions& options, TransferObserver& observer, TargetFolder& target)
      : link_(link),
        options_(options),
        observer_(observer),
        target_(target),
        sides_(link, options.connections),
        files_(link, options, observer_, target),
        ranges_(link, sides_, options, observer_) {}

  // Each job's end is told to the observer. Throws as Link::persist().
  void get(std::deque<GetJob> jobs);

 private:
  void getHere(std::deque<GetJob>& jobs);
  // A file of unknown size: it is asked for as a whole, and given up for ranges when it turns out to be large.
  void getUnknown(std::deque<GetJob>& jobs);
  void getLarge(std::deque<GetJob>& jobs, std::size_t width);
  void getShares(std::deque<GetJob> jobs, std::size_t width);

  Link& link_;
  const TransferOptions& options_;
  SharedObserver observer_;
  TargetFolder& target_;
  SideLinks sides_;
  FileGets files_;
  RangeGet ranges_;
};

}  // namespace ft
