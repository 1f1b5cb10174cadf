#include "common/file_time.h"

namespace ft {

std::optional<std::int64_t> exactNanoseconds(const timespec& time) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(std::int64_t{time.tv_sec}, std::int64_t{1'000'000'000}, &result) ||
      __builtin_add_overflow(result, std::int64_t{time.tv_nsec}, &result)) {
    return std::nullopt;
  }
  return result;
}

std::int64_t nanoseconds(const timespec& time) {
  return exactNanoseconds(time).value_or(time.tv_sec < 0 ? INT64_MIN : INT64_MAX);
}

timespec timeOf(std::int64_t nanoseconds) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t seconds = nanoseconds / kSecond;
  std::int64_t rest = nanoseconds % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  return {seconds, rest};
}

std::array<timespec, 2> modifiedAt(std::int64_t nanoseconds) { return {timespec{0, UTIME_OMIT}, timeOf(nanoseconds)}; }

}  // namespace ft
