#pragma once
// The connection of one session, seen from ftpd-exec: frames in, frames and bytes out, never blocking. ftpd is at the
// other end and hands on what its client sends, so everything that is read here may be hostile.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/header.h"
#include "common/unique_fd.h"

namespace ft {

class ExecPeer {
 public:
  // The most of a command's output that one frame carries.
  static constexpr std::size_t kBodySize = 256 * 1024;

  explicit ExecPeer(UniqueFd socket);

  int fd() const { return socket_.get(); }

  // Reads once. False when the peer is gone. Throws ProtocolError for what is no frame.
  bool fill();
  // The header at the front of the input, or nullptr when more has to be read; stays there until takeHeader().
  const Header* peekHeader();
  Header takeHeader();
  // Bytes of the body that follows the header that was taken; at most `left` of them are its own.
  std::span<const std::byte> body(std::size_t left) const;
  void consume(std::size_t count);
  bool inputFull() const { return end_ - begin_ == input_.size(); }

  // Is all that was queued on its way? Nothing more may be queued before.
  bool flushed() const { return outBegin_ == outEnd_ && spliceLeft_ == 0; }
  void queue(const Header& header);
  // Where to write a body of at most kBodySize bytes; queueBody() then puts its frame's header before it.
  std::span<std::byte> bodyBuffer();
  void queueBody(std::string_view stream, std::size_t size);
  // The same with the next `size` bytes of a pipe, which are there already and go to the peer without a copy.
  void queuePipe(std::string_view stream, int pipe, std::size_t size);
  // Sends what fits. False when the peer is gone.
  bool flush();

 private:
  static constexpr std::size_t kHeaderRoom = 128;

  bool flushBuffer();
  bool flushPipe();

  UniqueFd socket_;
  HeaderParser parser_;
  std::optional<Header> header_;
  std::size_t headerSize_ = 0;
  std::vector<std::byte> input_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::vector<std::byte> output_;
  std::size_t outBegin_ = 0;
  std::size_t outEnd_ = 0;
  int splicePipe_ = -1;
  std::size_t spliceLeft_ = 0;
};

}  // namespace ft
