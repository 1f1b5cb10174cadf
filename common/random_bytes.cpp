#include "common/random_bytes.h"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace ft {

std::string randomBytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t filled = 0; filled < count;) {
    const ssize_t got = ::getrandom(bytes.data() + filled, count - filled, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "no random numbers");
    filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace ft
