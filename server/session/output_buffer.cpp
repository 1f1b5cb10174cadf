#include "server/session/output_buffer.h"

#include <span>

namespace ft {

bool OutputBuffer::flush(Transport& transport) {
  while (sent_ < bytes_.size()) {
    const IoResult result = transport.write(std::as_bytes(std::span(bytes_)).subspan(sent_));
    if (result.status != IoResult::Status::Done) return false;
    sent_ += result.bytes;
  }
  sent_ = 0;
  bytes_.clear();
  if (bytes_.capacity() > kHighWater) bytes_.shrink_to_fit();
  return true;
}

void OutputBuffer::shrink() {
  if (bytes_.empty()) bytes_.shrink_to_fit();
}

}  // namespace ft
