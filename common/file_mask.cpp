#include "common/file_mask.h"

#include <fstream>
#include <string>

namespace ft {

// umask() can only read by setting.
mode_t fileCreationMask() {
  constexpr std::string_view kKey = "Umask:";
  constexpr mode_t kStrictest = 077;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kKey)) continue;
    mode_t mask = 0;
    for (const char c : line.substr(kKey.size())) {
      if (c >= '0' && c <= '7') mask = mask * 8 + static_cast<mode_t>(c - '0');
    }
    return mask & 0777;
  }
  return kStrictest;
}

}  // namespace ft
