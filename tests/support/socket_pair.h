#pragma once
// Two sockets that are joined.

#include <sys/socket.h>

#include <array>
#include <stdexcept>

#include "common/unique_fd.h"

namespace ft::testing {

struct SocketPair {
  // SOCK_STREAM or SOCK_SEQPACKET.
  explicit SocketPair(int type = SOCK_STREAM) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) throw std::runtime_error("socketpair");
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }

  UniqueFd ours;
  UniqueFd theirs;
};

}  // namespace ft::testing
