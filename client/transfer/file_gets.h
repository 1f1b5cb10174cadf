#pragma once
// Fetches files into a local folder: requests for small ones are sent ahead, long ones are resumed from what an earlier
// try left. Nothing gets its name before its digest was compared.

#include <deque>
#include <optional>
#include <utility>

#include "client/connection/link.h"
#include "client/transfer/fetched_group.h"
#include "client/transfer/get_body.h"
#include "client/transfer/get_job.h"

namespace ft {

class FileGets {
 public:
  FileGets(Link& link, const TransferOptions& options, TransferObserver& observer, TargetFolder& target)
      : link_(link), options_(options), observer_(observer), target_(target), group_(options, observer) {}

  // Empties `jobs`; each one's end is told to the observer. When it throws (the connection broke, the server is busy,
  // the user stopped), the jobs that are not done are in `jobs`, and what has come of a long one is resumed by the next
  // call.
  void run(std::deque<GetJob>& jobs);
  // From now on a file that turns out to have at least this many bytes, and of which nothing is here yet, is not
  // fetched; takeLeft() returns it with its size. nullopt: none is left.
  void leaveFrom(std::optional<std::uint64_t> size) { leaveFrom_ = size; }
  std::deque<GetJob> takeLeft() { return std::exchange(left_, {}); }

 private:
  // A file that was asked for, or is about to be.
  struct Flight {
    GetJob job;
    GetRequest request;
    std::optional<PartFile> left;
    std::optional<Digest> running;  // of what is left
  };

  void fill(std::deque<GetJob>& jobs);
  // False when the file cannot be fetched, and its end has been told.
  bool prepare(Flight& flight);
  // The same, of what is left of an earlier try: takes its digest, for the request.
  bool hashLeft(Flight& flight);
  void requireFree(const GetJob& job);
  bool fits(const Flight& next) const;
  // Sends the request.
  void ask(Flight flight);
  Flight takeFront();
  void receiveNext();
  // Asks again, where that is of use, or tells the end.
  void settleFailure(Flight flight, const Failure& failure);
  void leaveFront(std::deque<GetJob>& jobs, std::uint64_t size);
  void receive(Flight& flight, const GetReply& reply);
  PartFile openPart(Flight& flight, const GetReply& reply);
  PartFile newPart(const GetJob& job, const FolderPtr& folder, const GetReply& reply);
  // The digests of the whole file: the server's and ours.
  struct Digests {
    DigestValue theirs;
    DigestValue ours;
  };
  Digests receiveBody(Flight& flight, const GetReply& reply, PartFile& part);
  Digest digestOfLeft(Flight& flight, const GetReply& reply, PartFile& part);
  void skipBody(const GetReply& reply);
  // True when the file is to be asked for once more.
  bool again(Flight& flight, const Failure& failure);
  void requeue(std::deque<GetJob>& jobs);

  Link& link_;
  const TransferOptions& options_;
  TransferObserver& observer_;
  TargetFolder& target_;
  FetchedGroup group_;
  std::deque<Flight> flight_;      // asked for, in order
  std::optional<Flight> next_;     // prepared, but not asked for yet
  std::uint64_t flightBytes_ = 0;  // of all that are asked for
  std::optional<bool> unnamed_;    // files can be made without a name; nullopt: not tried yet
  std::optional<std::uint64_t> leaveFrom_;
  std::deque<GetJob> left_;
};

}  // namespace ft
