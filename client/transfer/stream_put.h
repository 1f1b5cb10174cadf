#pragma once
// Stores a stream whose size is not known ahead (standard input), as chunks with a digest in the trailer.

#include <string>

#include "client/connection/link.h"
#include "client/transfer/transfer.h"
#include "common/file_name.h"

namespace ft {

class StreamPut {
 public:
  StreamPut(Link& link, const TransferOptions& options, TransferObserver& observer)
      : link_(link), options_(options), observer_(observer) {}

  // Reads `fd` to its end and stores it as `remote`. A broken line is tried again only before the first byte is read:
  // what has been read from a stream is gone. Throws what failed.
  FileOutcome run(int fd, const FileName& remote);

 private:
  // Waits until `fd` can be read or the server says something; false in the second case.
  bool awaitInput(int fd, Connection& connection);
  // False when the server has replied before the end.
  bool sendAll(int fd, Connection& connection, Digest& digest, std::uint64_t& size);

  Link& link_;
  const TransferOptions& options_;
  TransferObserver& observer_;
};

}  // namespace ft
