#pragma once
// Fetches one file to a stream (standard output). What has been written cannot be taken back, so a broken line is
// resumed only when the server proves that the rest belongs to it.

#include "client/connection/link.h"
#include "client/transfer/get_body.h"
#include "client/transfer/get_job.h"

namespace ft {

class StreamGet {
 public:
  StreamGet(Link& link, const TransferOptions& options, TransferObserver& observer)
      : link_(link), options_(options), observer_(observer) {}

  // Throws what failed, also Failure(Integrity) after all bytes were written when the digest differs.
  FileOutcome run(int fd, GetJob job);

 private:
  FileOutcome attempt(BodySink& sink, GetJob& job);

  Link& link_;
  const TransferOptions& options_;
  TransferObserver& observer_;
  std::uint64_t written_ = 0;
  std::optional<Digest> digest_;
};

}  // namespace ft
