#pragma once
// Descriptors that go from process to process over a Unix socket (unix(7), SCM_RIGHTS), each with one byte that carries
// it.

#include "common/unique_fd.h"

namespace ft {

// False when it cannot be sent; errno is why.
bool sendDescriptor(int over, int fd);

struct ReceivedDescriptor {
  UniqueFd fd;          // close-on-exec; empty when none has come
  bool closed = false;  // the other side has ended, or the socket is broken
};
// Does not wait.
ReceivedDescriptor receiveDescriptor(int over);

}  // namespace ft
