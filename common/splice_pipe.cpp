#include "common/splice_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace ft {

bool SplicePipe::ready() {
  if (read_) return true;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
  read_.reset(ends[0]);
  write_.reset(ends[1]);
  // May be refused to a user who has many pipes: smaller is only slower.
  ::fcntl(write_.get(), F_SETPIPE_SZ, static_cast<int>(kWantedSize));
  capacity_ = static_cast<std::size_t>(std::max(::fcntl(write_.get(), F_GETPIPE_SZ), 4096));
  return true;
}

void SplicePipe::discard() {
  read_.reset();
  write_.reset();
}

}  // namespace ft
