#include "exec/peer.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "common/frame.h"
#include "common/protocol.h"

namespace ft {
namespace {

// A frame's header must fit as a whole.
constexpr std::size_t kInputSize = 2 * (kMaxHeaderSize + kLengthPrefixSize);
constexpr int kSocketBuffer = 1024 * 1024;

}  // namespace

ExecPeer::ExecPeer(UniqueFd socket)
    : socket_(std::move(socket)), input_(kInputSize), output_(std::max(kHeaderRoom + kBodySize, kInputSize)) {
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof kSocketBuffer);
}

bool ExecPeer::fill() {
  if (begin_ > 0) {
    std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  if (inputFull()) return true;
  const ssize_t n = ::recv(socket_.get(), input_.data() + end_, input_.size() - end_, MSG_DONTWAIT);
  if (n <= 0) return n < 0 && (errno == EAGAIN || errno == EINTR);
  end_ += static_cast<std::size_t>(n);
  return true;
}

const Header* ExecPeer::peekHeader() {
  if (header_) return &*header_;
  const auto text = peekFrame(std::span<const std::byte>(input_).subspan(begin_, end_ - begin_));
  if (!text) return nullptr;
  headerSize_ = kLengthPrefixSize + text->size();
  header_ = parser_.parse(*text);
  return &*header_;
}

Header ExecPeer::takeHeader() {
  consume(headerSize_);
  Header header = std::move(*header_);
  header_.reset();
  return header;
}

std::span<const std::byte> ExecPeer::body(std::size_t left) const {
  return std::span<const std::byte>(input_).subspan(begin_, std::min(left, end_ - begin_));
}

void ExecPeer::consume(std::size_t count) { begin_ += count; }

void ExecPeer::queue(const Header& header) {
  std::string frame;
  appendFrame(frame, header);
  std::memcpy(output_.data(), frame.data(), frame.size());
  outBegin_ = 0;
  outEnd_ = frame.size();
}

std::span<std::byte> ExecPeer::bodyBuffer() { return std::span(output_).subspan(kHeaderRoom, kBodySize); }

void ExecPeer::queueBody(std::string_view stream, std::size_t size) {
  Header header;
  header.cmd = "output";
  header.stream = std::string(stream);
  header.filesize = size;
  std::string frame;
  appendFrame(frame, header);
  outBegin_ = kHeaderRoom - frame.size();
  std::memcpy(output_.data() + outBegin_, frame.data(), frame.size());
  outEnd_ = kHeaderRoom + size;
}

void ExecPeer::queuePipe(std::string_view stream, int pipe, std::size_t size) {
  queueBody(stream, size);
  outEnd_ = kHeaderRoom;
  splicePipe_ = pipe;
  spliceLeft_ = size;
}

bool ExecPeer::flush() { return flushBuffer() && (outBegin_ < outEnd_ || flushPipe()); }

bool ExecPeer::flushPipe() {
  while (spliceLeft_ > 0) {
    const ssize_t n =
        ::splice(splicePipe_, nullptr, socket_.get(), nullptr, spliceLeft_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 && errno == EAGAIN;
    spliceLeft_ -= static_cast<std::size_t>(n);
  }
  return true;
}

bool ExecPeer::flushBuffer() {
  while (outBegin_ < outEnd_) {
    const ssize_t n =
        ::send(socket_.get(), output_.data() + outBegin_, outEnd_ - outBegin_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    outBegin_ += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace ft
