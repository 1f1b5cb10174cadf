#pragma once
// Moves bytes from a socket into a file through a pipe, so that they never pass through this process's memory.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/splice_pipe.h"

namespace ft {

// A place in a file.
struct FilePlace {
  int fd = -1;
  std::uint64_t position = 0;
};

class SpliceMover {
 public:
  // Moves at most `most` bytes of a non-blocking socket. 0: none are there now. nullopt: this socket cannot be spliced,
  // or there is no pipe. Throws TransportError when the peer has closed or the connection broke, and Failure when the
  // file cannot take the bytes.
  std::optional<std::size_t> move(int socket, FilePlace place, std::size_t most);

 private:
  void empty(FilePlace place, std::size_t count);
  // For a file that cannot be spliced into: takes the bytes out of the pipe and writes them.
  std::size_t copyOut(FilePlace place, std::size_t count);

  SplicePipe pipe_;
};

}  // namespace ft
