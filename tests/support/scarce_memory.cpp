#include "tests/support/scarce_memory.h"

#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

namespace {

// operator new has no other way to be told.
std::atomic<std::size_t>& missingSize() {
  static constinit std::atomic<std::size_t> size{0};
  return size;
}

std::atomic<bool>& missed() {
  static constinit std::atomic<bool> met{false};
  return met;
}

bool& nextIsMissing() {
  static thread_local constinit bool missing = false;
  return missing;
}

}  // namespace

// All that the operators below give back is taken here: a sanitizer looks whether each block goes the way that it came.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  const std::size_t missing = missingSize().load(std::memory_order_relaxed);
  if ((missing != 0 && size == missing) || std::exchange(nextIsMissing(), false)) {
    missed() = true;
    return nullptr;
  }
  return std::malloc(size != 0 ? size : 1);
}
void* operator new(std::size_t size) {
  void* const block = operator new(size, std::nothrow);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace ft::testing {

ScarceMemory::ScarceMemory(std::size_t size) {
  missed() = false;
  missingSize() = size;
}
ScarceMemory::~ScarceMemory() { missingSize() = 0; }
bool ScarceMemory::wasMet() const { return missed(); }

void missNextHere() { nextIsMissing() = true; }

}  // namespace ft::testing
