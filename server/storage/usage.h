#pragma once
// How much of a disk something takes.

#include <cstdint>

namespace ft {

// Files count with their length, folders and whatever else has a name as files of no length.
struct Usage {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
};

}  // namespace ft
