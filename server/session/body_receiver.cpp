#include "server/session/body_receiver.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "common/error.h"
#include "common/frame.h"
#include "common/protocol.h"

namespace ft {
namespace {

// Shorter rests are copied: setting up a splice costs more than it saves.
constexpr std::uint64_t kSpliceMin = 64 * 1024;
// Of a hole in one step, so that sessions take turns: two milliseconds of MD5.
constexpr std::uint64_t kHoleStep = 2 * 1024 * 1024;

}  // namespace

Progress BodyReceiver::step(SessionKit& kit, Transport& transport) {
  if (hole_ > 0) {
    // Much work for few bytes: a peer that has gone must not keep it going.
    if (kit.input.empty()) static_cast<void>(fillInput(kit, transport, kChunkPrefixSize));
    passHole();
    return Progress::Moved;
  }
  if (remaining_ == 0) return chunked_ && !ended_ ? nextChunk(kit, transport) : Progress::Done;
  if (!kit.input.empty()) {
    const auto bytes =
        kit.input.view().first(static_cast<std::size_t>(std::min<std::uint64_t>(kit.input.size(), remaining_)));
    if (upload_ != nullptr) upload_->write(bytes);
    remaining_ -= bytes.size();
    received_ += bytes.size();
    kit.input.consume(bytes.size());
    return Progress::Moved;
  }
  const bool worthSplicing = upload_ != nullptr && remaining_ >= kSpliceMin && transport.rawFd() >= 0;
  if (worthSplicing && kit.pipe.ready()) return spliceOnce(kit, transport);
  return fillInput(kit, transport, InputBuffer::kCapacity);
}

Progress BodyReceiver::nextChunk(SessionKit& kit, Transport& transport) {
  // Reading just the prefix leaves the chunk's bytes in the socket, where splice can take them.
  if (kit.input.size() < kChunkPrefixSize) {
    const bool splices = transport.rawFd() >= 0;
    return fillInput(kit, transport, splices ? kChunkPrefixSize - kit.input.size() : InputBuffer::kCapacity);
  }
  const std::int64_t n = decodeChunk(kit.input.view().first<kChunkPrefixSize>());
  kit.input.consume(kChunkPrefixSize);
  ended_ = n == 0;
  if (ended_) return Progress::Done;
  if (n > 0) {
    remaining_ = static_cast<std::uint64_t>(n);
  } else if (upload_ != nullptr) {
    hole_ = static_cast<std::uint64_t>(-n);
    upload_->expectHole(hole_);
  }
  received_ += kChunkPrefixSize;
  return Progress::Moved;
}

// Zeros cost no transfer but are hashed all the same.
void BodyReceiver::passHole() {
  const std::uint64_t step = std::min(hole_, kHoleStep);
  upload_->writeHole(step);
  hole_ -= step;
  passed_ += step;
}

Progress BodyReceiver::fillInput(SessionKit& kit, Transport& transport, std::size_t most) {
  const IoResult result = kit.input.fill(transport, most);
  switch (result.status) {
    case IoResult::Status::Done: return Progress::Moved;
    case IoResult::Status::WouldBlockRead: return Progress::NeedRead;
    case IoResult::Status::WouldBlockWrite: return Progress::NeedWrite;
    case IoResult::Status::End: break;
  }
  throw TransportError(TransportError::Kind::Closed, "the peer closed the connection inside a body");
}

Progress BodyReceiver::spliceOnce(SessionKit& kit, Transport& transport) {
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, kit.pipe.capacity()));
  const ssize_t got =
      ::splice(transport.rawFd(), nullptr, kit.pipe.writeEnd(), nullptr, wanted, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return errno == EINTR ? Progress::Moved : Progress::NeedRead;
    throw TransportError(TransportError::Kind::Reset, "receiving failed: " + errorText(errno));
  }
  if (got == 0) throw TransportError(TransportError::Kind::Closed, "the peer closed the connection inside a body");
  std::size_t inPipe = static_cast<std::size_t>(got);
  remaining_ -= inPipe;
  received_ += inPipe;
  try {
    while (inPipe > 0) inPipe -= upload_->writeFromPipe(kit.pipe.readEnd(), inPipe);
  } catch (...) {
    kit.pipe.discard();
    throw;
  }
  return Progress::Moved;
}

}  // namespace ft
