#include "tests/support/scarce_memory.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// operator new has no other way to be told.
std::atomic<std::size_t>& missingSize() {
  static constinit std::atomic<std::size_t> size{0};
  return size;
}

}  // namespace

void* operator new(std::size_t size) {
  const std::size_t missing = missingSize().load(std::memory_order_relaxed);
  void* const block = missing != 0 && size == missing ? nullptr : std::malloc(size != 0 ? size : 1);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace ft::testing {

ScarceMemory::ScarceMemory(std::size_t size) { missingSize() = size; }
ScarceMemory::~ScarceMemory() { missingSize() = 0; }

}  // namespace ft::testing
