#pragma once
// Memory that runs out when a test wants it to: replaces operator new of the test program.

#include <cstddef>

namespace ft::testing {

// While it lives, operator new has no block of exactly this size, on every thread. One at a time.
class ScarceMemory {
 public:
  explicit ScarceMemory(std::size_t size);
  ~ScarceMemory();
  // Has anyone asked for such a block since?
  bool wasMet() const;
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
};

}  // namespace ft::testing
