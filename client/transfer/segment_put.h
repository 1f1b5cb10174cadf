#pragma once
// Stores one large file over several connections (PROTOCOL.md 5.10): an offer, segments that are each verified, and a
// put without bytes that names the file. Only an attempt: whatever goes wrong, the file is left to be stored over one
// connection, where what is there is gone on with.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "client/transfer/pieces.h"
#include "client/transfer/put_job.h"
#include "client/transfer/side_links.h"

namespace ft {

class SegmentPut {
 public:
  SegmentPut(Link& link, SideLinks& sides, const TransferOptions& options, TransferObserver& observer)
      : link_(link), sides_(sides), options_(options), observer_(observer) {}

  // nullopt when the file has to be stored in another way. Throws only Interrupted.
  std::optional<FileOutcome> put(PutJob& job, std::size_t width);

 private:
  // A segment whose reply is still to come.
  struct Sent {
    Piece piece;
    DigestValue digest;
  };
  struct Whole {
    const SourceFile& source;
    std::string upload;
    Pieces& pieces;
  };
  std::optional<FileOutcome> attempt(PutJob& job, std::size_t width);
  std::optional<Header> offer(const PutJob& job, const SourceFile& source);
  static void sendSegments(Link& link, const Whole& whole);
  static Sent sendSegment(Connection& connection, const Whole& whole, const Piece& piece);
  static void settle(Connection& connection, const Sent& sent);
  Header end(const PutJob& job, const SourceFile& source, const DigestValue& digest);

  Link& link_;
  SideLinks& sides_;
  const TransferOptions& options_;
  TransferObserver& observer_;
};

}  // namespace ft
