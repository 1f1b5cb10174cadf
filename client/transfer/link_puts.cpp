#include "client/transfer/link_puts.h"

#include <utility>

namespace ft {

void LinkPuts::put(std::deque<PutJob> jobs, FolderTimes times) {
  std::deque<PutJob> small;
  std::deque<PutJob> large;
  for (PutJob& job : jobs) (job.size <= kSmallFile ? small : large).push_back(std::move(job));
  put(small, large, times);
}

void LinkPuts::put(std::deque<PutJob>& small, std::deque<PutJob>& large, FolderTimes& times) {
  link_.persist([&] {
    times.restart();
    if (!small.empty() || (large.empty() && !times.done())) small_.run({small, large, times});
    if (!large.empty()) large_.run(large, times);
  });
}

}  // namespace ft
