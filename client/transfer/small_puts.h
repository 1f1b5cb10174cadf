#pragma once
// Stores small files: each is one header with its digest and a raw body, and any number are on their way on one
// connection.

#include <deque>
#include <vector>

#include "client/connection/link.h"
#include "client/transfer/put_job.h"

namespace ft {

class SmallPuts {
 public:
  SmallPuts(Link& link, const TransferOptions& options, TransferObserver& observer)
      : link_(link), options_(options), observer_(observer) {}

  // Empties `jobs`; each one's end is told to the observer. Files that have grown out of small go to `grown`. When it
  // throws (the connection broke, the server is busy, the user stopped), the jobs that have no answer are back in
  // `jobs`.
  void run(std::deque<PutJob>& jobs, std::deque<PutJob>& grown);

 private:
  struct Sent {
    PutJob job;
    std::uint64_t size = 0;
    DigestValue digest;
  };
  void exchange(Connection& connection, std::deque<PutJob>& jobs, std::deque<PutJob>& grown);
  void sendNext(Connection& connection, std::deque<PutJob>& jobs, std::deque<PutJob>& grown);
  void sendFile(Connection& connection, PutJob& job, const SourceFile& source);
  // Takes the reply to the oldest file on its way.
  void settle(const Header& reply);
  void settleLastWords(Connection& connection);
  // The name was there: is it what an earlier try of ours stored?
  void settleDoubtful();

  Link& link_;
  const TransferOptions& options_;
  TransferObserver& observer_;
  std::deque<Sent> flight_;
  std::vector<Sent> doubtful_;
  std::vector<char> content_;
};

}  // namespace ft
