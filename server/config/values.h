#pragma once
// Reading the values of settings. Each returns "" and writes the target, or returns what the value should have been.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace ft {

struct CountRange {
  std::uint64_t least = 0;
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
};

std::string readCount(std::string_view text, const CountRange& range, std::uint64_t& into);
std::string readYesNo(std::string_view text, bool& into);
std::string writeYesNo(bool value);
// Octal permission bits; those in `required` (0600 or 0700) must be there, or the daemon could not use what it makes.
std::string readMode(std::string_view text, std::uint32_t required, std::uint32_t& into);

}  // namespace ft
