#include "common/secret.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace ft {

void wipe(std::string& secret) noexcept {
  secret.resize(secret.capacity());
  ::explicit_bzero(secret.data(), secret.size());
  secret.clear();
}

void hideMemory() noexcept {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace ft
