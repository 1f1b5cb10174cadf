#pragma once
// Moves a reply's body from a download to the connection, raw or in chunks with a trailer (PROTOCOL.md 4), in steps
// that never wait for the peer. Belongs to the session; one thread at a time.

#include <cstdint>
#include <string>

#include "server/session/body_receiver.h"
#include "server/session/commands.h"

namespace ft {

class BodySender {
 public:
  // `send.reply` has been written already; the rest is taken over.
  explicit BodySender(SendFile send);

  // The next step writes to the connection itself; what waits in the output must be written before it.
  bool writesItself() const { return !finished_ && !send_.content && position_ < chunkEnd_; }
  // One bounded piece of work; bytes that are not the file's own (prefixes, the trailer) are appended to `output`.
  // Throws TransportError, and Failure for a raw body that cannot be read on: cutting the connection is then the only
  // way to tell.
  Progress step(SessionKit& kit, Transport& transport, std::string& output);

  // Body bytes that have left in all.
  std::uint64_t moved() const { return moved_; }
  std::uint64_t size() const { return send_.end - send_.begin; }
  // The digest that was promised or taken; empty until Done.
  const DigestValue& digest() const { return digest_; }

 private:
  Progress sendContent(std::string& output);
  void nextChunk(std::string& output);
  Progress sendData(SessionKit& kit, Transport& transport);
  Progress copyData(SessionKit& kit, Transport& transport, std::size_t count);
  Progress padChunk(Transport& transport, SessionKit& kit);
  void hashAhead(SessionKit& kit, std::uint64_t to);
  std::size_t readFile(std::uint64_t from, std::span<std::byte> into);
  void finish(std::string& output);
  void giveUp(ErrorCode code, const std::string& message);

  SendFile send_;
  std::uint64_t position_;  // next byte to be sent
  std::uint64_t chunkEnd_;  // end of the present chunk (raw: of the body)
  std::uint64_t hashedTo_;
  std::uint64_t moved_ = 0;
  bool finished_ = false;
  std::optional<Failure> failure_;
  DigestValue digest_;
};

}  // namespace ft
