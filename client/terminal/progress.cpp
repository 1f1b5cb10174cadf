#include "client/terminal/progress.h"

#include <algorithm>

#include "common/units.h"

namespace ft {
namespace {

using std::chrono::duration;

// One sample stands for this long, so that a window holds few.
constexpr std::chrono::milliseconds kSampleTime{100};
// Rates over a shorter time say nothing.
constexpr double kShortest = 1e-6;

}  // namespace

std::string formatRate(double bytesPerSecond) {
  constexpr double kMost = 9e18;
  return formatSize(static_cast<std::uint64_t>(std::clamp(bytesPerSecond, 0.0, kMost))) + "/s";
}

void ProgressLine::plan(std::uint64_t files, std::uint64_t bytes) {
  files_ += files;
  bytes_ += bytes;
}

void ProgressLine::advance(std::uint64_t bytes, TimePoint now) {
  bytesDone_ += bytes;
  if (!samples_.empty() && now - samples_.back().time < kSampleTime) return;
  samples_.push_back({now, bytesDone_});
  while (samples_.size() > 1 && now - samples_[1].time > kWindow) samples_.pop_front();
}

double ProgressLine::rate(TimePoint now) const {
  Sample from{begin_, 0};
  if (!samples_.empty() && now - begin_ > kWindow) from = samples_.front();
  const double seconds = std::max(kShortest, duration<double>(now - from.time).count());
  return static_cast<double>(bytesDone_ - from.bytes) / seconds;
}

std::string ProgressLine::line(TimePoint now, std::size_t width) const {
  // A source that grows, or one of unknown size, must not lead past the whole.
  const std::uint64_t total = std::max(bytes_, bytesDone_);
  const bool known = bytes_ > 0;
  const double part = total == 0 ? 1.0 : static_cast<double>(bytesDone_) / static_cast<double>(total);
  std::string text;
  if (known) {
    std::string percent = std::to_string(static_cast<int>(part * 100.0));
    percent.insert(0, 4 - std::min<std::size_t>(4, percent.size()), ' ');
    text = percent + " % ";
  }
  text += formatSize(bytesDone_);
  if (known) text += " of " + formatSize(total);
  if (files_ > 1) text += ", " + std::to_string(filesDone_) + " of " + std::to_string(files_) + " files";
  const double speed = rate(now);
  text += ", " + formatRate(speed);
  if (known && speed > 1.0 && total > bytesDone_) {
    const double left = std::min(1e9, static_cast<double>(total - bytesDone_) / speed);
    text += ", " + formatDuration(std::chrono::seconds(static_cast<std::int64_t>(left) + 1)) + " left";
  }
  if (text.size() > width) text.resize(width);
  return text;
}

}  // namespace ft
