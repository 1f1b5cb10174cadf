#pragma once
// Moves a request's body from the connection into an upload, raw or in chunks (PROTOCOL.md 4), in steps that never wait
// for the peer. Belongs to the session; one thread at a time.

#include <cstdint>

#include "server/session/session_kit.h"
#include "server/storage/storage.h"

namespace ft {

// How a step of moving a body ended.
enum class Progress { Moved, NeedRead, NeedWrite, NeedEvent, Done };

class BodyReceiver {
 public:
  // A raw body of `size` bytes.
  static BodyReceiver raw(Upload* upload, std::uint64_t size) { return BodyReceiver(upload, false, size); }
  static BodyReceiver chunks(Upload* upload) { return BodyReceiver(upload, true, 0); }

  // One bounded piece of work. Done: the body (with a chunked one's end mark) is consumed. With no upload the bytes are
  // thrown away. Throws Failure from the upload, ProtocolError for a bad chunk, TransportError when the connection ends
  // in the body.
  Progress step(SessionKit& kit, Transport& transport);

  // From here on the bytes are thrown away.
  void discardRest() {
    upload_ = nullptr;
    hole_ = 0;
  }
  bool chunked() const { return chunked_; }
  // Bytes of the raw body, or of the present chunk, that have not arrived.
  std::uint64_t remaining() const { return remaining_; }
  // How far it is: bytes that have arrived, and those of holes that were passed.
  std::uint64_t moved() const { return received_ + passed_; }
  // Bytes that have arrived in all.
  std::uint64_t received() const { return received_; }

 private:
  BodyReceiver(Upload* upload, bool chunked, std::uint64_t size)
      : upload_(upload), chunked_(chunked), remaining_(size) {}
  void passHole();
  Progress nextChunk(SessionKit& kit, Transport& transport);
  Progress fillInput(SessionKit& kit, Transport& transport, std::size_t most);
  Progress spliceOnce(SessionKit& kit, Transport& transport);

  Upload* upload_;
  bool chunked_;
  std::uint64_t remaining_;
  std::uint64_t received_ = 0;
  std::uint64_t passed_ = 0;  // bytes of holes
  std::uint64_t hole_ = 0;    // bytes of the present hole that are still to be passed
  bool ended_ = false;        // the end mark of a chunked body was read
};

}  // namespace ft
