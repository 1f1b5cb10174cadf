#include "common/file_time.h"

#include <doctest/doctest.h>

using namespace ft;

TEST_CASE("a file's time is told in nanoseconds, and one that does not fit as the nearest that does") {
  CHECK(nanoseconds({0, 0}) == 0);
  CHECK(nanoseconds({1'700'000'000, 123'456'789}) == 1'700'000'000'123'456'789);
  CHECK(nanoseconds({-1, 999'999'999}) == -1);
  CHECK(nanoseconds({INT64_MAX, 0}) == INT64_MAX);
  CHECK(nanoseconds({INT64_MIN, 0}) == INT64_MIN);
  CHECK(nanoseconds({9'223'372'036, 854'775'807}) == INT64_MAX);
  CHECK(nanoseconds({9'223'372'036, 999'999'999}) == INT64_MAX);
  CHECK(exactNanoseconds({5, 6}) == 5'000'000'006);
  CHECK_FALSE(exactNanoseconds({9'223'372'037, 0}).has_value());
  CHECK_FALSE(exactNanoseconds({INT64_MIN, 0}).has_value());
}

TEST_CASE("any number of nanoseconds is a time, and comes back as the same number") {
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{-1'000'000'000},
                                  std::int64_t{1'700'000'000'123'456'789}, INT64_MAX, INT64_MIN}) {
    CAPTURE(time);
    CHECK(timeOf(time).tv_nsec >= 0);
    CHECK(timeOf(time).tv_nsec < 1'000'000'000);
    CHECK(nanoseconds(timeOf(time)) == time);
    CHECK(modifiedAt(time)[0].tv_nsec == UTIME_OMIT);
    CHECK(modifiedAt(time)[1].tv_sec == timeOf(time).tv_sec);
  }
}
