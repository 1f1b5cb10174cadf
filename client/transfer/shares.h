#pragma once
// Shares files out to connections.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace ft {

// What a file weighs beside its bytes: its header and the server's work. Bytes.
inline constexpr std::uint64_t kFileWeight = 1024;

// Job::size is a number of bytes; or nullopt, which counts as none.
template <typename Job>
std::uint64_t bytesOf(const Job& job) {
  return std::optional<std::uint64_t>(job.size).value_or(0);
}

template <typename Job>
std::uint64_t bytesOf(const std::deque<Job>& jobs) {
  std::uint64_t bytes = 0;
  for (const Job& job : jobs) bytes += bytesOf(job);
  return bytes;
}

// `width` shares of about the same weight. Neighbours stay together, for they are mostly in one folder.
template <typename Job>
std::vector<std::deque<Job>> shareOut(std::deque<Job> jobs, std::size_t width) {
  const std::uint64_t fair = (bytesOf(jobs) + jobs.size() * kFileWeight) / width + 1;
  std::vector<std::deque<Job>> shares(width);
  std::uint64_t weight = 0;
  for (Job& job : jobs) {
    std::deque<Job>& share = shares[std::min<std::size_t>(width - 1, weight / fair)];
    weight += bytesOf(job) + kFileWeight;
    share.push_back(std::move(job));
  }
  return shares;
}

}  // namespace ft
