#include "common/descriptor_passing.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace ft {
namespace {

// A message of one byte, with room for one descriptor. Stays where it is: the message points into it.
class OneDescriptor {
 public:
  OneDescriptor() {
    message_.msg_iov = &part_;
    message_.msg_iovlen = 1;
    message_.msg_control = room_;
    message_.msg_controllen = sizeof room_;
  }
  OneDescriptor(const OneDescriptor&) = delete;
  OneDescriptor& operator=(const OneDescriptor&) = delete;
  msghdr& message() { return message_; }

 private:
  char byte_ = 's';
  iovec part_{&byte_, 1};
  alignas(cmsghdr) char room_[CMSG_SPACE(sizeof(int))]{};
  msghdr message_{};
};

}  // namespace

bool sendDescriptor(int over, int fd) {
  OneDescriptor one;
  cmsghdr* const rights = CMSG_FIRSTHDR(&one.message());
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  return ::sendmsg(over, &one.message(), MSG_NOSIGNAL) == 1;
}

ReceivedDescriptor receiveDescriptor(int over) {
  OneDescriptor one;
  const ssize_t n = ::recvmsg(over, &one.message(), MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  ReceivedDescriptor received;
  received.closed = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  const cmsghdr* const rights = n > 0 ? CMSG_FIRSTHDR(&one.message()) : nullptr;
  if (rights == nullptr || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) return received;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
  received.fd.reset(fd);
  return received;
}

}  // namespace ft
