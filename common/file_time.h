#pragma once
// Times of files as the protocol has them: nanoseconds since 1970.

#include <sys/stat.h>

#include <cstdint>
#include <optional>

namespace ft {

// A file may carry any time at all; nullopt for one that does not fit. Any thread.
std::optional<std::int64_t> exactNanoseconds(const timespec& time);
// The same; what does not fit is told as the nearest that does.
std::int64_t nanoseconds(const timespec& time);

}  // namespace ft
