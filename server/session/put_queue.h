#pragma once
// Puts whose bodies are complete and checked, waiting to be made durable together (one group, one set of syncs), and
// then answered in order. Belongs to one session; one thread at a time.

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/header.h"
#include "server/log/log.h"
#include "server/storage/storage.h"

namespace ft {

// Who put what, for the reply and the log.
struct PutRecord {
  Header request;
  std::uint64_t size = 0;
  std::vector<DigestValue> digests;
  std::chrono::steady_clock::time_point begun;
};

class PutQueue {
 public:
  // When it throws, for want of memory, the queue is as before.
  void add(std::unique_ptr<Upload> upload, PutRecord record);
  bool empty() const { return items_.empty(); }
  // Large enough that waiting for more would gain nothing.
  bool full() const;
  // When the oldest has waited for others long enough; max when the queue is empty.
  std::chrono::steady_clock::time_point due() const;

  struct Answered {
    PutRecord record;
    std::optional<Failure> failure;
  };
  // Commits all, in order, and empties the queue. Never throws: what goes wrong is in the answers.
  std::vector<Answered> commit(Storage& storage);

 private:
  std::vector<CommitItem> items_;
  std::vector<PutRecord> records_;
  std::uint64_t bytes_ = 0;
};

}  // namespace ft
