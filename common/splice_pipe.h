#pragma once
// A pipe for splice, which moves bytes from a socket to a file without a way through this process's memory.

#include <cstddef>

#include "common/unique_fd.h"

namespace ft {

// Non-blocking at both ends, and made at first use.
class SplicePipe {
 public:
  // What it is to hold; less where the system does not allow it. Bytes.
  static constexpr std::size_t kWantedSize = std::size_t{1} << 20;

  // False when no pipe can be had (descriptors): the caller then copies.
  bool ready();
  int readEnd() const { return read_.get(); }
  int writeEnd() const { return write_.get(); }
  std::size_t capacity() const { return capacity_; }
  // After an error left bytes in it.
  void discard();

 private:
  UniqueFd read_, write_;
  std::size_t capacity_ = 0;
};

}  // namespace ft
