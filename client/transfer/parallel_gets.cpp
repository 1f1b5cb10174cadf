#include "client/transfer/parallel_gets.h"

#include <utility>
#include <vector>

#include "client/transfer/shares.h"

namespace ft {

void ParallelGets::get(std::deque<GetJob> jobs) {
  if (jobs.size() == 1 && !jobs.front().size) {
    getUnknown(jobs);
    return;
  }
  std::deque<GetJob> rest;
  std::deque<GetJob> large;
  for (GetJob& job : jobs) (bytesOf(job) >= Pieces::kWorthCutting ? large : rest).push_back(std::move(job));
  const std::size_t width = sides_.widthFor(rest.size(), bytesOf(rest));
  if (width < 2) {
    getHere(rest);
  } else {
    getShares(std::move(rest), width);
  }
  getLarge(large, sides_.widthFor(large.size(), bytesOf(large)));
}

void ParallelGets::getHere(std::deque<GetJob>& jobs) {
  if (!jobs.empty()) link_.persist([&] { files_.run(jobs); });
}

void ParallelGets::getUnknown(std::deque<GetJob>& jobs) {
  // As much as the smallest large file would be; it does no harm when there is less.
  const std::size_t width = sides_.widthFor(1, Pieces::kWorthCutting);
  if (width >= 2) files_.leaveFrom(Pieces::kWorthCutting);
  getHere(jobs);
  files_.leaveFrom(std::nullopt);
  std::deque<GetJob> large = files_.takeLeft();
  getLarge(large, width);
}

void ParallelGets::getLarge(std::deque<GetJob>& jobs, std::size_t width) {
  std::deque<GetJob> left;
  for (GetJob& job : jobs) {
    if (width < 2 || !ranges_.get(job, target_, width)) left.push_back(std::move(job));
  }
  getHere(left);
}

void ParallelGets::getShares(std::deque<GetJob> jobs, std::size_t width) {
  std::vector<std::deque<GetJob>> shares = shareOut(std::move(jobs), width);
  std::vector<TargetFolder> targets(width, target_);
  target_.takeTouched();  // each of them syncs these
  sides_.run(width, [&](Link& link, std::size_t number) {
    FileGets files(link, options_, observer_, targets[number]);
    link.persist([&] { files.run(shares[number]); });
  });
  std::deque<GetJob> left;
  for (std::deque<GetJob>& share : shares) {
    for (GetJob& job : share) left.push_back(std::move(job));
  }
  getHere(left);
}

}  // namespace ft
