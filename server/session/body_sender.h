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

  // Is what waits in the output to be written before the next step? Such a step writes to the connection itself, or it
  // takes a while, of which the peer is to see something.
  bool needsEmptyOutput() const { return !finished_ && !send_.content && (position_ < chunkEnd_ || inHole_); }
  // One bounded piece of work; bytes that are not the file's own (prefixes, the trailer) are appended to `output`.
  // Throws TransportError, and Failure for a raw body that cannot be read on: cutting the connection is then the only
  // way to tell.
  Progress step(SessionKit& kit, Transport& transport, std::string& output);

  // How far it is: bytes of the file that are behind it, holes among them.
  std::uint64_t moved() const { return position_ - send_.begin; }
  // Bytes of the file that have left in all.
  std::uint64_t sent() const { return sent_; }
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
  std::uint64_t sent_ = 0;
  bool inHole_ = false;  // of which a part was told and digested
  bool finished_ = false;
  std::optional<Failure> failure_;
  DigestValue digest_;
};

}  // namespace ft
