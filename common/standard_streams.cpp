#include "common/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace ft {

void occupyStandardStreams() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest that is free, so this one; open the wrong way round.
    if (::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

}  // namespace ft
