#include "server/session/body_sender.h"

#include <sys/sendfile.h>

#include <algorithm>
#include <cerrno>

#include "common/error.h"
#include "common/frame.h"

namespace ft {
namespace {

// One chunk's length: long enough that prefixes cost nothing, short enough to be filled up when the file cannot be read
// on.
constexpr std::uint64_t kSendChunk = 4 * 1024 * 1024;
// One call's length: a step stays short, so that sessions take turns.
constexpr std::uint64_t kSendStep = 1024 * 1024;
// One read where the bytes must pass through memory: what an encrypted line takes at once, for what it does not take is
// read again.
constexpr std::size_t kCopyStep = 64 * 1024;
// Shorter holes are sent as the zeros that they are.
constexpr std::uint64_t kHoleMin = 64 * 1024;
// Of a hole that is digested in one step: zeros cost no transfer, but time.
constexpr std::uint64_t kHoleStep = 2 * 1024 * 1024;

}  // namespace

BodySender::BodySender(SendFile send)
    : send_(std::move(send)),
      position_(send_.begin),
      chunkEnd_(send_.chunks ? send_.begin : send_.end),
      hashedTo_(send_.begin) {}

Progress BodySender::step(SessionKit& kit, Transport& transport, std::string& output) {
  if (finished_) return Progress::Done;
  if (send_.content) return sendContent(output);
  if (position_ < chunkEnd_) return failure_ ? padChunk(transport, kit) : sendData(kit, transport);
  if (position_ < send_.end && !failure_) {
    nextChunk(output);
    return Progress::Moved;
  }
  finish(output);
  return Progress::Moved;
}

Progress BodySender::sendContent(std::string& output) {
  const auto& content = *send_.content;
  if (send_.chunks && !content.empty()) {
    const auto prefix = encodeChunk(static_cast<std::int64_t>(content.size()));
    output.append(prefix.data(), prefix.size());
    if (send_.running) send_.running->update(content);
  }
  output.append(reinterpret_cast<const char*>(content.data()), content.size());
  sent_ += content.size();
  position_ = send_.end;
  send_.content.reset();
  finish(output);
  return Progress::Moved;
}

void BodySender::nextChunk(std::string& output) {
  const Download::Extent data = send_.download->nextData(position_);
  const std::uint64_t holeEnd = std::min(data.begin, send_.end);
  if (inHole_ || holeEnd - position_ >= kHoleMin || holeEnd == send_.end) {
    const std::uint64_t end = send_.running ? std::min(holeEnd, position_ + kHoleStep) : holeEnd;
    const auto hole = encodeChunk(-static_cast<std::int64_t>(end - position_));
    if (end > position_) output.append(hole.data(), hole.size());
    if (send_.running) send_.running->updateZeros(end - position_);
    position_ = chunkEnd_ = hashedTo_ = end;
    inHole_ = end < holeEnd;
    return;
  }
  chunkEnd_ = std::min({std::max(data.end, position_ + 1), position_ + kSendChunk, send_.end});
  const auto prefix = encodeChunk(static_cast<std::int64_t>(chunkEnd_ - position_));
  output.append(prefix.data(), prefix.size());
}

Progress BodySender::sendData(SessionKit& kit, Transport& transport) {
  const std::size_t count = static_cast<std::size_t>(std::min(kSendStep, chunkEnd_ - position_));
  if (transport.sendFd() < 0 || send_.download->fd() < 0) return copyData(kit, transport, count);
  hashAhead(kit, position_ + count);
  if (failure_) return Progress::Moved;
  off_t offset = static_cast<off_t>(position_);
  const ssize_t sent = ::sendfile(transport.sendFd(), send_.download->fd(), &offset, count);
  if (sent < 0) {
    if (errno == EAGAIN) return Progress::NeedWrite;
    if (errno == EINTR) return Progress::Moved;
    if (errno == EIO || errno == EOVERFLOW) {
      giveUp(ErrorCode::IoError, "the file could not be read on");
      return Progress::Moved;
    }
    throw TransportError(TransportError::Kind::Reset, "sending failed: " + errorText(errno));
  }
  if (sent == 0) giveUp(ErrorCode::Changed, "the file was cut short while it was sent");
  position_ += static_cast<std::uint64_t>(sent);
  sent_ += static_cast<std::uint64_t>(sent);
  return Progress::Moved;
}

Progress BodySender::copyData(SessionKit& kit, Transport& transport, std::size_t count) {
  const std::size_t got = readFile(position_, kit.scratch.first(std::min(count, kCopyStep)));
  if (got == 0) return Progress::Moved;
  // What the line did not take the last time is here again, and was hashed then.
  if (send_.running && hashedTo_ < position_ + got) {
    const std::size_t before = hashedTo_ - position_;
    send_.running->update(kit.scratch.first(got).subspan(before));
    hashedTo_ = position_ + got;
  }
  const IoResult result = transport.write(kit.scratch.first(got));
  if (result.status == IoResult::Status::WouldBlockWrite) return Progress::NeedWrite;
  if (result.status == IoResult::Status::WouldBlockRead) return Progress::NeedRead;
  position_ += result.bytes;
  sent_ += result.bytes;
  return Progress::Moved;
}

Progress BodySender::padChunk(Transport& transport, SessionKit& kit) {
  const auto zeros =
      kit.scratch.first(static_cast<std::size_t>(std::min<std::uint64_t>(kit.scratch.size(), chunkEnd_ - position_)));
  std::fill(zeros.begin(), zeros.end(), std::byte{0});
  const IoResult result = transport.write(zeros);
  if (result.status == IoResult::Status::WouldBlockWrite) return Progress::NeedWrite;
  if (result.status == IoResult::Status::WouldBlockRead) return Progress::NeedRead;
  position_ += result.bytes;
  sent_ += result.bytes;
  return Progress::Moved;
}

void BodySender::hashAhead(SessionKit& kit, std::uint64_t to) {
  if (!send_.running) return;
  while (hashedTo_ < to) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kit.scratch.size(), to - hashedTo_));
    const std::size_t got = readFile(hashedTo_, kit.scratch.first(wanted));
    if (got == 0) return;
    send_.running->update(kit.scratch.first(got));
    hashedTo_ += got;
  }
}

// 0 when the body had to be given up.
std::size_t BodySender::readFile(std::uint64_t from, std::span<std::byte> into) {
  try {
    const std::size_t got = send_.download->read(from, into);
    if (got == 0) giveUp(ErrorCode::Changed, "the file was cut short while it was sent");
    return got;
  } catch (const Failure& failure) {
    giveUp(failure.code(), failure.what());
    return 0;
  }
}

void BodySender::finish(std::string& output) {
  finished_ = true;
  if (!send_.chunks) {
    if (!send_.reply.digests.empty()) digest_ = send_.reply.digests.front();
    return;
  }
  if (!failure_ && send_.download->changed()) giveUp(ErrorCode::Changed, "the file was changed while it was sent");
  const auto end = encodeChunk(0);
  output.append(end.data(), end.size());
  Header trailer;
  trailer.cmd = "trailer";
  trailer.ok = !failure_;
  if (failure_) {
    trailer.error = std::string(errorName(failure_->code()));
    trailer.message = failure_->what();
  } else {
    digest_ = send_.known ? *send_.known : send_.running->value();
    if (!send_.known && send_.wholeFile) send_.download->rememberDigest(digest_);
    trailer.filesize = send_.download->info().size;
    trailer.setDigest(digest_);
  }
  appendFrame(output, trailer);
}

void BodySender::giveUp(ErrorCode code, const std::string& message) {
  if (!send_.chunks) throw Failure(code, message);
  failure_.emplace(code, message);
}

}  // namespace ft
