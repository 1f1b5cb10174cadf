#include "client/terminal/progress.h"

#include <doctest/doctest.h>

using namespace ft;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("the line tells part, bytes, files, rate and time left") {
  const ProgressLine::TimePoint begin{};
  ProgressLine progress(begin);
  progress.plan(4, 40 << 20);
  progress.advance(10 << 20, begin + seconds(1));
  progress.fileEnded();
  CHECK(progress.line(begin + seconds(1), 100) == "  25 % 10.0 MiB of 40.0 MiB, 1 of 4 files, 10.0 MiB/s, 4.0 s left");
}

TEST_CASE("the line fits the width") {
  ProgressLine progress(ProgressLine::TimePoint{});
  progress.plan(4, 1000);
  for (const std::size_t width : {0U, 1U, 10U, 40U})
    CHECK(progress.line(ProgressLine::TimePoint{} + seconds(1), width).size() <= width);
}

TEST_CASE("a source of unknown size has no part and no time left") {
  const ProgressLine::TimePoint begin{};
  ProgressLine progress(begin);
  progress.advance(2048, begin + seconds(1));
  CHECK(progress.line(begin + seconds(1), 100) == "2.0 KiB, 2.0 KiB/s");
}

TEST_CASE("more than was planned never shows more than the whole") {
  const ProgressLine::TimePoint begin{};
  ProgressLine progress(begin);
  progress.plan(1, 10);
  progress.advance(30, begin + seconds(1));
  CHECK(progress.line(begin + seconds(1), 100).starts_with(" 100 %"));
}

TEST_CASE("the rate is that of the last seconds, not of the whole time") {
  const ProgressLine::TimePoint begin{};
  ProgressLine progress(begin);
  for (int i = 1; i <= 100; ++i) progress.advance(1000, begin + milliseconds(100) * i);
  for (int i = 101; i <= 200; ++i) progress.advance(100, begin + milliseconds(100) * i);
  CHECK(progress.rate(begin + seconds(20)) < 1'500.0);
  CHECK(progress.rate(begin + seconds(20)) > 700.0);
}

TEST_CASE("nothing planned and nothing done is a line without a division by zero") {
  ProgressLine progress(ProgressLine::TimePoint{});
  CHECK(progress.line(ProgressLine::TimePoint{}, 100) == "0 B, 0 B/s");
}
