#include "common/units.h"

#include <doctest/doctest.h>

#include <limits>

using namespace ft;
using std::chrono::milliseconds;

TEST_CASE("sizes are read with decimal and binary units in any case") {
  CHECK(parseSize("0") == 0);
  CHECK(parseSize("812") == 812);
  CHECK(parseSize("812B") == 812);
  CHECK(parseSize("1K") == 1000);
  CHECK(parseSize("1kb") == 1000);
  CHECK(parseSize("64KiB") == 65'536);
  CHECK(parseSize("64kib") == 65'536);
  CHECK(parseSize("3MB") == 3'000'000);
  CHECK(parseSize("10GiB") == std::uint64_t{10} << 30);
  CHECK(parseSize("2TiB") == std::uint64_t{2} << 40);
  CHECK(parseSize("2T") == 2'000'000'000'000);
}

TEST_CASE("what is not a size, or is over 2^63-1, is refused") {
  for (const std::string_view text : {"", "x", "-1", "+1", "1.5K", "1 K", " 1", "1 ", "K", "1X", "1KiBB", "0x10", "1e3",
                                      "9223372036854775808", "8388608TiB", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parseSize(text).has_value());
  }
  CHECK(parseSize("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(parseSize("8388607TiB").has_value());
}

TEST_CASE("times are read with their units") {
  CHECK(parseDuration("500ms") == milliseconds(500));
  CHECK(parseDuration("10s") == milliseconds(10'000));
  CHECK(parseDuration("10") == milliseconds(10'000));
  CHECK(parseDuration("5m") == milliseconds(300'000));
  CHECK(parseDuration("2h") == milliseconds(7'200'000));
  CHECK(parseDuration("7d") == milliseconds(604'800'000));
  CHECK(parseDuration("0s") == milliseconds(0));
  CHECK(parseDuration("36500d").has_value());
}

TEST_CASE("what is not a time, or is over 100 years, is refused") {
  for (const std::string_view text :
       {"", "s", "-1s", "1.5s", "1 s", "10S", "5min", "1w", "36501d", "99999999999999999999s"}) {
    CAPTURE(text);
    CHECK_FALSE(parseDuration(text).has_value());
  }
}

TEST_CASE("sizes are shown short, and never as 1024.0 of a unit") {
  CHECK(formatSize(0) == "0 B");
  CHECK(formatSize(812) == "812 B");
  CHECK(formatSize(1023) == "1023 B");
  CHECK(formatSize(1024) == "1.0 KiB");
  CHECK(formatSize(3174) == "3.1 KiB");
  CHECK(formatSize((1 << 20) - 1) == "1.0 MiB");
  CHECK(formatSize(std::uint64_t{8} << 30) == "8.0 GiB");
  CHECK(formatSize(std::numeric_limits<std::uint64_t>::max()) == "16.0 EiB");
}

TEST_CASE("times are shown short") {
  CHECK(formatDuration(milliseconds(240)) == "240 ms");
  CHECK(formatDuration(milliseconds(3200)) == "3.2 s");
  CHECK(formatDuration(milliseconds(59'949)) == "59.9 s");
  CHECK(formatDuration(milliseconds(59'950)) == "1 m 0 s");
  CHECK(formatDuration(milliseconds(250'000)) == "4 m 10 s");
  CHECK(formatDuration(std::chrono::minutes(123)) == "2 h 3 m");
  CHECK(formatDuration(std::chrono::hours(76)) == "3 d 4 h");
  CHECK(formatDuration(milliseconds(-5)) == "0 ms");
}

TEST_CASE("what is written for a configuration is exact: it reads back as the same") {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, std::uint64_t{1024}, std::uint64_t{65'536},
        std::uint64_t{65'537}, std::uint64_t{10} << 30, std::uint64_t{3} << 40, (std::uint64_t{1} << 63) - 1}) {
    CHECK(parseSize(writeSize(bytes)) == bytes);
  }
  for (const std::int64_t ms :
       {0L, 1L, 500L, 1000L, 1500L, 10'000L, 60'000L, 61'000L, 3'600'000L, 86'400'000L, 604'800'000L}) {
    CHECK(parseDuration(writeDuration(milliseconds(ms))) == milliseconds(ms));
  }
  CHECK(writeSize(65'536) == "64KiB");
  CHECK(writeSize(1000) == "1000");
  CHECK(writeDuration(std::chrono::seconds(10)) == "10s");
  CHECK(writeDuration(std::chrono::hours(168)) == "7d");
  CHECK(writeDuration(milliseconds(500)) == "500ms");
}

TEST_CASE("a number is digits and nothing else") {
  CHECK(parseNumber("120") == 120);
  CHECK(parseNumber("0750", 8) == 0750);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1x", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK_FALSE(parseNumber(text).has_value());
  }
  CHECK_FALSE(parseNumber("8", 8).has_value());
}
