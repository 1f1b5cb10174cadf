#include "client/transfer/parallel_gets.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace ft {
namespace {

// What a file weighs beside its bytes when files are shared out. Bytes.
constexpr std::uint64_t kFileWeight = 1024;

std::uint64_t bytesOf(const std::deque<GetJob>& jobs) {
  std::uint64_t bytes = 0;
  for (const GetJob& job : jobs) bytes += job.size.value_or(0);
  return bytes;
}

}  // namespace

void ParallelGets::get(std::deque<GetJob> jobs) {
  if (jobs.size() == 1 && !jobs.front().size) {
    getUnknown(jobs);
    return;
  }
  std::deque<GetJob> rest;
  std::deque<GetJob> large;
  for (GetJob& job : jobs) (job.size.value_or(0) >= Pieces::kWorthCutting ? large : rest).push_back(std::move(job));
  const std::uint64_t bytes = bytesOf(rest);
  const std::size_t width = sides_.widthFor(rest.size(), bytes);
  if (width < 2) {
    getHere(rest);
  } else {
    getShares(std::move(rest), width, bytes);
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

// Neighbours stay together, for they are mostly in one folder.
void ParallelGets::getShares(std::deque<GetJob> jobs, std::size_t width, std::uint64_t bytes) {
  const std::uint64_t fair = (bytes + jobs.size() * kFileWeight) / width + 1;
  std::vector<std::deque<GetJob>> shares(width);
  std::uint64_t weight = 0;
  for (GetJob& job : jobs) {
    const auto number = std::min<std::size_t>(width - 1, weight / fair);
    weight += job.size.value_or(0) + kFileWeight;
    shares[number].push_back(std::move(job));
  }
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
