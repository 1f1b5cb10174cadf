#pragma once
// Memory that runs out when a test wants it to: replaces operator new of the test program.

#include <cstddef>

namespace ft::testing {

// While it lives, operator new has no block of exactly this size, on every thread. One at a time.
class ScarceMemory {
 public:
  explicit ScarceMemory(std::size_t size = 0);  // 0: none but what missNextHere() asks for
  ~ScarceMemory();
  // Has anyone asked for such a block since?
  bool wasMet() const;
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
};

// The next operator new of this thread has no block, whatever its size. A ScarceMemory tells when that was.
void missNextHere();

}  // namespace ft::testing
