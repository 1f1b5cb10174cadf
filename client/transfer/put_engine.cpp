#include "client/transfer/put_engine.h"

#include <utility>

namespace ft {

void PutEngine::put(std::deque<PutJob> jobs) {
  std::deque<PutJob> small;
  std::deque<PutJob> large;
  for (PutJob& job : jobs) (job.size <= kSmallFile ? small : large).push_back(std::move(job));
  put(small, large);
}

void PutEngine::put(std::deque<PutJob>& small, std::deque<PutJob>& large) {
  link_.persist([&] {
    if (!small.empty()) small_.run(small, large);
    if (!large.empty()) large_.run(large);
  });
}

}  // namespace ft
