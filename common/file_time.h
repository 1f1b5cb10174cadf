#pragma once
// Times of files as the protocol has them: nanoseconds since 1970.

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <optional>

namespace ft {

// A file may carry any time at all; nullopt for one that does not fit. Any thread.
std::optional<std::int64_t> exactNanoseconds(const timespec& time);
// The same; what does not fit is told as the nearest that does.
std::int64_t nanoseconds(const timespec& time);
// The way back: any number at all is a time.
timespec timeOf(std::int64_t nanoseconds);
// For utimensat() and its kin: the time of modification, and that of access as it is.
std::array<timespec, 2> modifiedAt(std::int64_t nanoseconds);

}  // namespace ft
