#include "client/transfer/sign_of_life.h"

#include <algorithm>

namespace ft {
namespace {

// One stretch of hashing between two looks at the clock. Bytes.
constexpr std::uint64_t kHashStep = 64 << 20;

}  // namespace

void SignOfLife::show() {
  if (Clock::now() - last_ <= every_) return;
  link_.client().ping();
  last_ = Clock::now();
}

void hashWithSigns(const FileRange& range, Digest& digest, Link& link, std::chrono::milliseconds every) {
  SignOfLife sign(link, every);
  for (std::uint64_t position = range.begin; position < range.end;) {
    const std::uint64_t end = std::min(range.end, position + kHashStep);
    hashFile({range.fd, position, end}, digest, link.stop());
    position = end;
    sign.show();
  }
}

}  // namespace ft
