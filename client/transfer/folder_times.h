#pragma once
// Sets the times of folders once everything is in them. A connection that stores files of a tree sets the times of the
// folders it has changed, right behind its last put. Whichever connection changes a folder last therefore also sets its
// time last.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/connection/client.h"
#include "client/transfer/put_job.h"

namespace ft {

// Of the times that one connection sets: what is sent, and what is answered. A server that refuses to set a time, or
// does not know how, is left in peace: the files are what counts.
class FolderTimes {
 public:
  FolderTimes() : FolderTimes(FileName::root(), {}) {}
  // `folders` are below `base`, with a time each, and those inside of another one before it. A name that is "" is that
  // of `base` itself, which is last then.
  FolderTimes(FileName base, std::vector<NewFolder> folders) : base_(std::move(base)), folders_(std::move(folders)) {}

  // All are sent / all are sent and answered.
  bool sent() const { return next_ == folders_.size(); }
  bool done() const { return sent() && flight_ == 0; }
  bool awaits() const { return flight_ > 0; }
  // Queues one request. Not to be called when all are sent.
  void sendNext(Connection& connection);
  // Takes the reply to the oldest request. Throws what may pass, and ProtocolError.
  void settle(const Header& reply);
  void sendAll(Connection& connection);
  void awaitAll(Connection& connection);
  // To begin anew, as the line broke or a file is stored once more.
  void restart() { next_ = flight_ = 0; }

  const FileName& base() const { return base_; }
  std::span<const NewFolder> folders() const { return folders_; }

 private:
  FileName base_;
  std::vector<NewFolder> folders_;
  std::size_t next_ = 0;
  std::size_t flight_ = 0;  // requests without an answer
};

// Shares the folders of a tree out to connections. Each gets those that its files go into and those above them, which
// may be made for its files; one also gets what nobody else has.
class FolderTimeShares {
 public:
  using Queues = std::initializer_list<const std::deque<PutJob>*>;

  explicit FolderTimeShares(FolderTimes all);

  // The folders that puts of these change.
  FolderTimes of(Queues queues);
  // The same, and those that no call has returned so far.
  FolderTimes withOthers(Queues queues);
  // Those of the shares that have not come to their end, each once.
  FolderTimes notDone(std::span<const FolderTimes* const> shares) const;

 private:
  using Marks = std::vector<bool>;
  Marks marksOf(Queues queues) const;
  FolderTimes take(const Marks& marks);
  FolderTimes marked(const Marks& marks) const;
  std::string wholeName(const NewFolder& folder) const;

  FolderTimes all_;
  std::unordered_map<std::string, std::size_t> numbers_;  // by their whole names
  Marks taken_;
};

}  // namespace ft
