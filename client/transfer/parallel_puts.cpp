#include "client/transfer/parallel_puts.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace ft {
namespace {

// What a file weighs beside its bytes when files are shared out: its header and the server's work. Bytes.
constexpr std::uint64_t kFileWeight = 1024;

std::uint64_t bytesOf(const std::deque<PutJob>& jobs) {
  std::uint64_t bytes = 0;
  for (const PutJob& job : jobs) bytes += job.size;
  return bytes;
}

}  // namespace

void ParallelPuts::put(std::deque<PutJob> jobs, FolderTimes times) {
  const std::uint64_t bytes = bytesOf(jobs);
  const std::size_t width = sides_.widthFor(jobs.size(), bytes);
  if (width < 2) {
    engine_.put(std::move(jobs), std::move(times));
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
  engine_.put(std::move(left.jobs), std::move(left.times));
}

// Neighbours stay together, for they are mostly in one folder.
std::vector<ParallelPuts::Share> ParallelPuts::shareOut(std::deque<PutJob> jobs) {
  const std::uint64_t bytes = bytesOf(jobs);
  const std::size_t width = sides_.widthFor(jobs.size(), bytes);
  const std::uint64_t fair = (bytes + jobs.size() * kFileWeight) / width + 1;
  std::vector<Share> shares(width);
  std::uint64_t weight = 0;
  for (PutJob& job : jobs) {
    Share& share = shares[std::min<std::size_t>(width - 1, weight / fair)];
    weight += job.size + kFileWeight;
    (job.size <= kSmallFile ? share.small : share.large).push_back(std::move(job));
  }
  return shares;
}

void ParallelPuts::putShares(std::deque<PutJob> jobs, FolderTimeShares& times, Left& left) {
  std::vector<Share> shares = shareOut(std::move(jobs));
  // The first one last, as it takes what the others do not have.
  for (auto share = shares.rbegin(); share != shares.rend(); ++share) {
    const bool first = std::next(share) == shares.rend();
    share->times = first ? times.withOthers({&share->small, &share->large}) : times.of({&share->small, &share->large});
  }
  sides_.run(shares.size(), [&](Link& link, std::size_t number) {
    Share& share = shares[number];
    PutEngine(link, options_, observer_).put(share.small, share.large, share.times);
  });
  std::vector<const FolderTimes*> all{&left.times};
  for (Share& share : shares) {
    for (PutJob& job : share.small) left.jobs.push_back(std::move(job));
    for (PutJob& job : share.large) left.jobs.push_back(std::move(job));
    all.push_back(&share.times);
  }
  left.times = times.notDone(all);
}

}  // namespace ft
