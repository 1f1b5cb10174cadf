#pragma once
// Stores any number of files of any size over one connection, and over a new one where it breaks, as the link's policy
// allows.

#include <deque>

#include "client/transfer/large_puts.h"
#include "client/transfer/small_puts.h"

namespace ft {

class LinkPuts {
 public:
  LinkPuts(Link& link, const TransferOptions& options, TransferObserver& observer)
      : link_(link), small_(link, options, observer), large_(link, options, observer) {}

  // Small files first, all on their way together; then the long ones; behind them the times of their folders. Throws
  // when the line stays broken or the user stops.
  void put(std::deque<PutJob> jobs, FolderTimes times = {});
  // The same, already told apart. What is in `small` and `large` when it throws is not done.
  void put(std::deque<PutJob>& small, std::deque<PutJob>& large, FolderTimes& times);

 private:
  Link& link_;
  SmallPuts small_;
  LargePuts large_;
};

}  // namespace ft
