#pragma once
// Stores large files one after the other on one connection: offer, check of what is there already, chunks, trailer. The
// next offer is sent right behind a body, so that no round trip is lost between two files.

#include <deque>
#include <optional>

#include "client/connection/link.h"
#include "client/transfer/folder_times.h"
#include "client/transfer/put_body.h"
#include "client/transfer/put_job.h"

namespace ft {

class LargePuts {
 public:
  LargePuts(Link& link, const TransferOptions& options, TransferObserver& observer)
      : link_(link), options_(options), observer_(observer) {}

  // Empties `jobs`; each one's end is told to the observer. Behind the last one, `times` are set. When it throws (the
  // connection broke, the server is busy, the user stopped), the jobs that have no answer are in `jobs`, and what the
  // server has of the first is resumed by the next call.
  void run(std::deque<PutJob>& jobs, FolderTimes& times);

 private:
  // Where the body begins, and the digest of what lies before it.
  struct Start {
    std::uint64_t offset = 0;
    Digest digest;
    bool have = false;       // all of it is there, and it is the same
    bool offered = true;     // the server knows offers
    bool otherBits = false;  // what is there has other permission bits than a put would give it
  };

  void offer(PutJob& job);
  // What is sent right behind a body: the next offer, or in the end the times.
  struct Behind {
    PutJob* next;  // or nullptr
    FolderTimes& times;
  };
  void putAll(std::deque<PutJob>& jobs, FolderTimes& times);
  FileOutcome putOne(PutJob& job, const Behind& behind);
  Start agree(PutJob& job, const SourceFile& source);
  bool giveBits(const PutJob& job, const SourceFile& source);
  FileOutcome sendChunks(PutJob& job, const SourceFile& source, Start start, const Behind& behind);
  void sendBehind(const Behind& behind);
  FileOutcome sendRaw(PutJob& job, const SourceFile& source);
  Header awaitStored(const SourceFile& source);
  [[noreturn]] void refused(const Header& reply);
  Digest digestOfPrefix(PutJob& job, const SourceFile& source, std::uint64_t size);
  // True when the job is to be tried again.
  bool again(PutJob& job, const Failure& failure);
  void settleFailure(PutJob& job, const Failure& failure);

  Link& link_;
  const TransferOptions& options_;
  TransferObserver& observer_;
  std::optional<SourceFile> offered_;  // of the first job, when its offer has been sent on this connection
};

}  // namespace ft
