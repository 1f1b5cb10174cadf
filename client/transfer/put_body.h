#pragma once
// Sends the bytes of a local file as the body of a put: as chunks and holes, or raw. Watches for a reply that comes too
// early: a refusal.

#include <cstdint>
#include <optional>
#include <vector>

#include "client/connection/connection.h"
#include "client/local/file_digest.h"
#include "client/local/source_file.h"
#include "client/transfer/transfer.h"

namespace ft {

class PutBody {
 public:
  enum class Form { Chunks, Raw };
  enum class End {
    Whole,    // all bytes are queued or sent; for chunks the end mark as well
    Refused,  // a reply is there, and the body is not whole: the connection must be dropped
    Broken,   // the source could not be read on. Chunks: filled up with zeros and ended, so that a trailer can say so
  };
  // Where the engine and the one who watches it hear of the progress.
  struct Listeners {
    FileDigest* digest;  // nullptr: it is known
    Advance& advance;
    TransferObserver& observer;
  };

  PutBody(Connection& connection, const SourceFile& source, std::size_t chunkSize, Listeners listeners)
      : connection_(connection), source_(source), unit_(chunkSize), listeners_(listeners) {}

  // The bytes from `offset` to the size that the source had when it was opened. Throws TransportError and Interrupted.
  End send(std::uint64_t offset, Form form);

 private:
  // Each returns false when a reply has come.
  bool sendHole(std::uint64_t size);
  bool sendChunk(std::uint64_t size);
  bool sendData(std::uint64_t size);
  bool sendCopy(std::uint64_t size);
  bool padChunk(std::uint64_t size);
  bool sendExtents();
  // Bytes that sendfile moved; 0 when it has to wait; nullopt when the source ended or cannot be sent that way.
  std::optional<std::size_t> sendOnce(std::size_t most);
  void sent(std::size_t bytes);
  void passed(std::uint64_t bytes);

  Connection& connection_;
  const SourceFile& source_;
  std::size_t unit_;
  Listeners listeners_;
  std::uint64_t position_ = 0;
  std::vector<std::byte> buffer_;  // where the bytes pass through memory
  bool broken_ = false;
  bool copying_ = false;  // the file system cannot sendfile
};

}  // namespace ft
