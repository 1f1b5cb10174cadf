#pragma once
// Points in time as the users file, the log and people have them.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ft {

// Whole seconds: nanoseconds would end in 2262, and "for ever" is written as 9999-12-31.
using Moment = std::chrono::sys_seconds;

// "2027-01-31" or "2027-01-31T12:00:00Z", UTC; nullopt for anything else.
std::optional<Moment> parseMoment(std::string_view text);
std::string writeMoment(Moment moment);
// Now, in whole seconds.
Moment thisMoment();

}  // namespace ft
