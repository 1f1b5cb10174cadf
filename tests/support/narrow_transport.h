#pragma once
// A line that is full at some of the writes, though poll() finds room: as a busy or a stalled reader leaves it.

#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "common/transport.h"

namespace ft::testing {

class NarrowTransport final : public Transport {
 public:
  // `takes` is asked at each write, with its number from 1 on.
  NarrowTransport(std::unique_ptr<Transport> inner, std::function<bool(int)> takes)
      : inner_(std::move(inner)), takes_(std::move(takes)) {}

  IoResult read(std::span<std::byte> into) override { return inner_->read(into); }
  IoResult write(std::span<const std::byte> bytes) override {
    if (!takes_(++writes_)) return {IoResult::Status::WouldBlockWrite, 0};
    return inner_->write(bytes);
  }
  void shutdownWrite() noexcept override { inner_->shutdownWrite(); }
  int fd() const noexcept override { return inner_->fd(); }
  int rawFd() const noexcept override { return -1; }

 private:
  std::unique_ptr<Transport> inner_;
  const std::function<bool(int)> takes_;
  int writes_ = 0;
};

}  // namespace ft::testing
