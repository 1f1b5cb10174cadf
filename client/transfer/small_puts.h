#pragma once
// Stores small files: each is one header with its digest and a raw body, and any number are on their way on one
// connection.

#include <deque>
#include <vector>

#include "client/connection/link.h"
#include "client/transfer/folder_times.h"
#include "client/transfer/put_job.h"

namespace ft {

class SmallPuts {
 public:
  SmallPuts(Link& link, const TransferOptions& options, TransferObserver& observer)
      : link_(link), options_(options), observer_(observer) {}

  struct Work {
    std::deque<PutJob>& jobs;
    std::deque<PutJob>& grown;  // files that have grown out of small
    FolderTimes& times;         // set behind the last job, unless `grown` has some that come after
  };
  // Empties `jobs`; each one's end is told to the observer. When it throws (the connection broke, the server is busy,
  // the user stopped), the jobs that have no answer are back in `jobs`.
  void run(const Work& work);

 private:
  struct Sent {
    PutJob job;
    std::uint64_t size = 0;
    DigestValue digest;
  };
  void exchange(Connection& connection, const Work& work);
  // Queues what there is to be sent, up to `goal` bytes.
  void sendMore(Connection& connection, const Work& work, std::size_t goal);
  bool hasMore(const Work& work) const;
  void sendNext(Connection& connection, std::deque<PutJob>& jobs, std::deque<PutJob>& grown);
  void sendFile(Connection& connection, PutJob& job, const SourceFile& source);
  // Takes the reply to the oldest file on its way.
  void settle(const Header& reply);
  // The same; or, when there is none, to the oldest request for times.
  void settle(const Header& reply, FolderTimes& times);
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
