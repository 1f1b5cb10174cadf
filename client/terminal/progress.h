#pragma once
// The progress line for a person at a terminal: how much is done, how fast of late, how long it will take. Knows no
// terminal.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace ft {

class ProgressLine {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit ProgressLine(TimePoint begin) : begin_(begin) {}

  // Adds to the total.
  void plan(std::uint64_t files, std::uint64_t bytes);
  // So many bytes more have been moved, at `now`.
  void advance(std::uint64_t bytes, TimePoint now);
  void fileEnded() { ++filesDone_; }

  // Bytes a second over the last kWindow, or since the beginning when that is shorter.
  double rate(TimePoint now) const;
  // One line of at most `width` columns, without a line end, such as
  // "  42 % 3.4 GiB of 8.0 GiB, 98 of 240 files, 811 MiB/s, 6 s left".
  std::string line(TimePoint now, std::size_t width) const;

  static constexpr std::chrono::seconds kWindow{5};

 private:
  struct Sample {
    TimePoint time;
    std::uint64_t bytes = 0;
  };

  TimePoint begin_;
  std::uint64_t files_ = 0, filesDone_ = 0;
  std::uint64_t bytes_ = 0, bytesDone_ = 0;
  std::deque<Sample> samples_;
};

// "811 MiB/s"
std::string formatRate(double bytesPerSecond);

}  // namespace ft
