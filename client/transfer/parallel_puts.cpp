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

void ParallelPuts::put(std::deque<PutJob> jobs) {
  const std::uint64_t bytes = bytesOf(jobs);
  const std::size_t width = sides_.widthFor(jobs.size(), bytes);
  if (width < 2) {
    engine_.put(std::move(jobs));
    return;
  }
  sides_.open(width);  // while this one makes its offer
  std::deque<PutJob> rest;
  std::deque<PutJob> cut;
  for (PutJob& job : jobs) (job.size >= Pieces::kWorthCutting ? cut : rest).push_back(std::move(job));
  const std::uint64_t restBytes = bytesOf(rest);
  const std::size_t restWidth = sides_.widthFor(rest.size(), restBytes);
  putShares(std::move(rest), restWidth, restBytes);
  std::deque<PutJob> left;
  for (PutJob& job : cut) {
    if (const auto outcome = segments_.put(job, width)) {
      observer_.ended(*outcome);
    } else {
      left.push_back(std::move(job));
    }
  }
  if (!left.empty()) engine_.put(std::move(left));
}

// Neighbours stay together, for they are mostly in one folder.
void ParallelPuts::putShares(std::deque<PutJob> jobs, std::size_t width, std::uint64_t bytes) {
  const std::uint64_t fair = (bytes + jobs.size() * kFileWeight) / width + 1;
  std::vector<Share> shares(width);
  std::uint64_t weight = 0;
  for (PutJob& job : jobs) {
    Share& share = shares[std::min<std::size_t>(width - 1, weight / fair)];
    weight += job.size + kFileWeight;
    (job.size <= kSmallFile ? share.small : share.large).push_back(std::move(job));
  }
  sides_.run(width, [&](Link& link, std::size_t number) {
    Share& share = shares[number];
    PutEngine(link, options_, observer_).put(share.small, share.large);
  });
  std::deque<PutJob> left;
  for (Share& share : shares) {
    for (PutJob& job : share.small) left.push_back(std::move(job));
    for (PutJob& job : share.large) left.push_back(std::move(job));
  }
  if (!left.empty()) engine_.put(std::move(left));
}

}  // namespace ft
