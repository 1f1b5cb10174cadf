#pragma once
// Receives the body that follows the reply to a get, raw or in chunks, and holds it to what was announced.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "client/connection/connection.h"
#include "client/local/splice_mover.h"

namespace ft {

// Where the bytes go. Throws Failure when they cannot be kept.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // So many bytes of data follow; a hint.
  virtual void expect(std::uint64_t) {}
  // Takes bytes from the socket by itself: how many, 0 when none are there now, nullopt when it cannot.
  virtual std::optional<std::size_t> splice(SpliceMover&, int /*socket*/, std::size_t /*most*/) { return std::nullopt; }
  virtual void data(std::span<const std::byte> bytes) = 0;
  virtual void hole(std::uint64_t count) = 0;
};

class GetBody {
 public:
  // `size`: what the reply announced; `chunkSize`: bytes go to the sink in multiples of it.
  GetBody(Connection& connection, std::uint64_t size, std::size_t chunkSize);

  // Exactly `size` bytes.
  void receiveRaw(BodySink& sink);
  // Chunks up to the end mark, and the trailer. Throws ProtocolError when they are more or fewer than `size`, and
  // Failure with the server's reason when the trailer gives the body up.
  Header receiveChunks(BodySink& sink);

 private:
  void receive(std::uint64_t count, BodySink& sink);
  // What of `count` bytes has not gone this way.
  std::uint64_t receiveSpliced(std::uint64_t count, BodySink& sink);
  void receiveCopied(std::uint64_t count, BodySink& sink);

  Connection& connection_;
  std::uint64_t left_;
  std::size_t unit_;
  SpliceMover mover_;
  std::vector<std::byte> buffer_;
};

}  // namespace ft
