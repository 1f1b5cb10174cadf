#include "client/transfer/get_body.h"

#include <algorithm>
#include <array>

#include "client/connection/reply.h"
#include "client/transfer/transfer.h"
#include "common/frame.h"
#include "common/protocol.h"

namespace ft {
namespace {

// What is taken from the socket before it is written: several calls' worth, still inside the processor's cache. Bytes.
constexpr std::size_t kReceiveStep = 256 * 1024;
// Less is not worth the way round memory. Bytes.
constexpr std::uint64_t kSpliceFrom = 64 * 1024;

}  // namespace

GetBody::GetBody(Connection& connection, std::uint64_t size, std::size_t chunkSize)
    : connection_(connection), left_(size), unit_(chunkSize) {}

void GetBody::receive(std::uint64_t count, BodySink& sink) {
  left_ -= count;
  sink.expect(count);
  if (count >= kSpliceFrom && connection_.rawFd() >= 0) count = receiveSpliced(count, sink);
  receiveCopied(count, sink);
}

std::uint64_t GetBody::receiveSpliced(std::uint64_t count, BodySink& sink) {
  const auto here = std::min<std::uint64_t>(count, connection_.buffered());
  receiveCopied(here, sink);
  count -= here;
  connection_.sendSome();
  while (count > 0) {
    connection_.stop().check();
    const auto most = std::min<std::uint64_t>(wholeChunks(unit_, SplicePipe::kWantedSize), count);
    const auto moved = sink.splice(mover_, connection_.rawFd(), most);
    if (!moved) break;
    if (*moved == 0) connection_.waitReadable();
    connection_.moved(*moved);
    count -= *moved;
  }
  return count;
}

void GetBody::receiveCopied(std::uint64_t count, BodySink& sink) {
  const auto wanted = std::min<std::uint64_t>(wholeChunks(unit_, kReceiveStep), count);
  if (buffer_.size() < wanted) buffer_.resize(wanted);
  std::size_t filled = 0;
  while (count > 0) {
    connection_.stop().check();
    const auto room = std::min<std::uint64_t>(buffer_.size() - filled, count);
    const std::size_t got = connection_.readSome(std::span(buffer_).subspan(filled, room));
    filled += got;
    count -= got;
    if (filled < buffer_.size() && count > 0) continue;
    sink.data(std::span<const std::byte>(buffer_).first(filled));
    filled = 0;
  }
}

void GetBody::receiveRaw(BodySink& sink) { receive(left_, sink); }

Header GetBody::receiveChunks(BodySink& sink) {
  for (;;) {
    std::array<std::byte, kChunkPrefixSize> prefix{};
    connection_.readExactly(prefix);
    const std::int64_t n = decodeChunk(prefix);
    if (n == 0) break;
    const auto count = n > 0 ? static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(-n);
    if (count > left_) throw ProtocolError("the body is longer than the server announced");
    if (n > 0) {
      receive(count, sink);
    } else {
      left_ -= count;
      sink.hole(count);
    }
  }
  Header trailer = connection_.readHeader();
  requireCommand(trailer, "trailer");
  requireOk(trailer);
  if (left_ != 0)
    throw ProtocolError("the body is " + std::to_string(left_) + " bytes shorter than the server announced");
  return trailer;
}

}  // namespace ft
