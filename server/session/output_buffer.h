#pragma once
// Replies and small pieces of bodies on their way to the peer. Belongs to a session; one thread at a time.

#include <cstddef>
#include <string>

#include "common/transport.h"

namespace ft {

class OutputBuffer {
 public:
  // Replies are gathered up to this size before they are written though more input is at hand. Bytes.
  static constexpr std::size_t kHighWater = 256 * 1024;

  bool empty() const { return bytes_.empty(); }
  bool full() const { return bytes_.size() >= kHighWater; }
  // What is to be sent; to be appended to, and to nothing else.
  std::string& bytes() { return bytes_; }
  // Writes as much as the transport takes; false when some is left. Throws TransportError.
  bool flush(Transport& transport);
  // What is not sent yet.
  std::string rest() const { return bytes_.substr(sent_); }
  // Gives back memory that is not used.
  void shrink();

 private:
  std::string bytes_;
  std::size_t sent_ = 0;
};

}  // namespace ft
