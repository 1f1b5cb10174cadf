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
