#include "client/transfer/parallel_puts.h"

#include <utility>
#include <vector>

#include "client/transfer/shares.h"

namespace ft {

void ParallelPuts::put(std::deque<PutJob> jobs, FolderTimes times) {
  const std::uint64_t bytes = bytesOf(jobs);
  const std::size_t width = sides_.widthFor(jobs.size(), bytes);
  if (width < 2) {
    puts_.put(std::move(jobs), std::move(times));
    return;
  }
  sides_.open(width);  // while this one makes its offer
  std::deque<PutJob> rest;
  std::deque<PutJob> cut;
  for (PutJob& job : jobs) (job.size >= Pieces::kWorthCutting ? cut : rest).push_back(std::move(job));
  FolderTimeShares folders(std::move(times));
  Left left{{}, rest.empty() ? folders.withOthers({&cut}) : folders.of({&cut})};
  if (!rest.empty()) putShares(std::move(rest), folders, left);
  for (PutJob& job : cut) {
    if (const auto outcome = segments_.put(job, width)) {
      observer_.ended(*outcome);
    } else {
      left.jobs.push_back(std::move(job));
    }
  }
  puts_.put(std::move(left.jobs), std::move(left.times));
}

std::vector<ParallelPuts::Share> ParallelPuts::sharesOf(std::deque<PutJob> jobs) {
  const std::size_t width = sides_.widthFor(jobs.size(), bytesOf(jobs));
  std::vector<Share> shares;
  for (std::deque<PutJob>& some : shareOut(std::move(jobs), width)) {
    Share& share = shares.emplace_back();
    for (PutJob& job : some) (job.size <= kSmallFile ? share.small : share.large).push_back(std::move(job));
  }
  return shares;
}

void ParallelPuts::putShares(std::deque<PutJob> jobs, FolderTimeShares& times, Left& left) {
  std::vector<Share> shares = sharesOf(std::move(jobs));
  // The first one last, as it takes what the others do not have.
  for (auto share = shares.rbegin(); share != shares.rend(); ++share) {
    const bool first = std::next(share) == shares.rend();
    share->times = first ? times.withOthers({&share->small, &share->large}) : times.of({&share->small, &share->large});
  }
  sides_.run(shares.size(), [&](Link& link, std::size_t number) {
    Share& share = shares[number];
    LinkPuts(link, options_, observer_).put(share.small, share.large, share.times);
  });
  std::vector<const FolderTimes*> all{&left.times};
  for (Share& share : shares) {
    // What is still to be stored changes its folder once more.
    if (!share.small.empty() || !share.large.empty()) share.times.restart();
    for (PutJob& job : share.small) left.jobs.push_back(std::move(job));
    for (PutJob& job : share.large) left.jobs.push_back(std::move(job));
    all.push_back(&share.times);
  }
  left.times = times.notDone(all);
}

}  // namespace ft
