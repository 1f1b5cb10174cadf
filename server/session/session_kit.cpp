#include "server/session/session_kit.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace ft {

void InputBuffer::consume(std::size_t count) {
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

void InputBuffer::wipe(std::size_t count) {
  ::explicit_bzero(bytes_.all().data() + begin_, count);
  consume(count);
}

void InputBuffer::assign(std::span<const std::byte> bytes) {
  if (!empty() || bytes.size() > bytes_.size()) throw std::logic_error("InputBuffer::assign");
  std::copy(bytes.begin(), bytes.end(), bytes_.all().begin());
  begin_ = 0;
  end_ = bytes.size();
}

IoResult InputBuffer::fill(Transport& transport, std::size_t most) {
  if (bytes_.size() - end_ < std::min(most, bytes_.size() / 2) && begin_ > 0) {
    std::memmove(bytes_.all().data(), bytes_.all().data() + begin_, size());
    end_ -= begin_;
    begin_ = 0;
  }
  const std::size_t room = std::min(most, bytes_.size() - end_);
  const IoResult result = transport.read(bytes_.all().subspan(end_, room));
  end_ += result.bytes;
  return result;
}

std::unique_ptr<SessionKit> KitPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto kit = std::move(free_.back());
      free_.pop_back();
      return kit;
    }
  }
  return std::make_unique<SessionKit>();
}

void KitPool::give(std::unique_ptr<SessionKit> kit) noexcept {
  const std::lock_guard lock(mutex_);
  if (free_.size() < keep_) free_.push_back(std::move(kit));
}

}  // namespace ft
