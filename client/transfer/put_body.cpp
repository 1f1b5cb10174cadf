#include "client/transfer/put_body.h"

#include <sys/sendfile.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "common/error.h"
#include "common/frame.h"

namespace ft {
namespace {

// One call of sendfile: long enough to cost nothing, short enough that progress and Ctrl-C are prompt. Bytes.
constexpr std::size_t kSendStep = 1 << 20;
// One read where the bytes must pass through memory. Bytes.
constexpr std::size_t kCopyStep = 256 * 1024;
// Shorter holes are sent as the zeros that they are. Bytes.
constexpr std::uint64_t kHoleMin = 64 * 1024;

}  // namespace

PutBody::End PutBody::send(std::uint64_t offset, Form form) {
  position_ = offset;
  const bool whole = form == Form::Raw ? sendData(source_.size() - offset) : sendExtents();
  if (!whole) return End::Refused;
  if (form == Form::Chunks) {
    const auto end = encodeChunk(0);
    connection_.output().append(end.data(), end.size());
  }
  return broken_ ? End::Broken : End::Whole;
}

bool PutBody::sendExtents() {
  while (position_ < source_.size() && !broken_) {
    const SourceFile::Extent data = source_.nextData(position_);
    const std::uint64_t hole = data.begin - position_;
    if (hole >= kHoleMin || data.begin == source_.size()) {
      if (!sendHole(hole)) return false;
      continue;
    }
    const std::uint64_t size = std::min<std::uint64_t>(data.end - position_, wholeChunks(unit_, kWireChunk));
    if (!sendChunk(size)) return false;
  }
  return true;
}

// In steps, each sent before it is hashed: both ends hash at the same time, and the server hears from us all the while.
bool PutBody::sendHole(std::uint64_t size) {
  const std::uint64_t end = position_ + size;
  while (position_ < end) {
    connection_.stop().check();
    connection_.receive();
    if (connection_.headerIsHere()) return false;
    const std::uint64_t step = std::min(kHoleStep, end - position_);
    const auto prefix = encodeChunk(-static_cast<std::int64_t>(step));
    connection_.output().append(prefix.data(), prefix.size());
    if (!connection_.flush()) return false;
    if (listeners_.digest != nullptr) listeners_.digest->hole(step);
    passed(step);
  }
  return true;
}

bool PutBody::sendChunk(std::uint64_t size) {
  const auto prefix = encodeChunk(static_cast<std::int64_t>(size));
  connection_.output().append(prefix.data(), prefix.size());
  return sendData(size);
}

bool PutBody::sendData(std::uint64_t size) {
  const std::uint64_t end = position_ + size;
  if (!connection_.flush()) return false;
  while (position_ < end) {
    connection_.stop().check();
    if (copying_ || connection_.rawFd() < 0) {
      if (!sendCopy(end - position_)) return false;
      if (broken_) break;
      continue;
    }
    const auto step = std::min<std::uint64_t>(wholeChunks(unit_, kSendStep), end - position_);
    const auto moved = sendOnce(static_cast<std::size_t>(step));
    if (!moved && !copying_) {
      broken_ = true;
      break;
    }
    if (moved > 0U) {
      sent(*moved);
    } else if (!copying_) {
      connection_.wait(true);
    }
    if (connection_.headerIsHere()) return position_ == end;
  }
  return !broken_ || padChunk(end - position_);
}

std::optional<std::size_t> PutBody::sendOnce(std::size_t most) {
  for (;;) {
    off_t offset = static_cast<off_t>(position_);
    const ssize_t moved = ::sendfile(connection_.rawFd(), source_.fd(), &offset, most);
    if (moved > 0) return static_cast<std::size_t>(moved);
    if (moved == 0) return std::nullopt;
    if (errno == EAGAIN) return 0;
    if (errno == EINTR) continue;
    if (errno == EINVAL || errno == ENOSYS) copying_ = true;
    if (copying_ || errno == EIO || errno == ESTALE) return std::nullopt;
    throw TransportError(TransportError::Kind::Closed,
                         "the connection to " + connection_.peer() + " broke: " + errorText(errno));
  }
}

bool PutBody::sendCopy(std::uint64_t size) {
  const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(wholeChunks(unit_, kCopyStep), size));
  if (buffer_.size() < step) buffer_.resize(step);
  const ssize_t got = ::pread(source_.fd(), buffer_.data(), step, static_cast<off_t>(position_));
  if (got <= 0) {
    broken_ = true;
    return true;
  }
  const std::span<const std::byte> bytes(buffer_.data(), static_cast<std::size_t>(got));
  std::span<const std::byte> left = bytes;
  while (!left.empty()) {
    left = left.subspan(connection_.writeSome(left));
    if (!left.empty()) connection_.wait(true);
    // What the line has taken of a refused body does not matter: its connection is dropped.
    if (connection_.headerIsHere()) return false;
  }
  if (listeners_.digest != nullptr) listeners_.digest->bytes(position_, bytes);
  passed(bytes.size());
  return true;
}

bool PutBody::padChunk(std::uint64_t size) {
  while (size > 0) {
    const std::uint64_t step = std::min<std::uint64_t>(size, kCopyStep);
    connection_.output().append(static_cast<std::size_t>(step), '\0');
    if (!connection_.flush()) return false;
    size -= step;
  }
  return true;
}

void PutBody::sent(std::size_t bytes) {
  connection_.moved(bytes);
  if (listeners_.digest != nullptr) listeners_.digest->data(position_, position_ + bytes);
  passed(bytes);
}

void PutBody::passed(std::uint64_t bytes) {
  position_ += bytes;
  listeners_.advance.reach(position_, listeners_.observer);
}

}  // namespace ft
