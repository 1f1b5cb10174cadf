#pragma once
// Space on the disk that was promised to uploads and is not used yet, so that a hundred of them do not each count on
// the same free bytes. Only promises of this daemon are known: other programs may take the space all the same. The
// ledger is thread-safe; a reservation belongs to one thread at a time.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "common/file_name.h"

namespace ft {

class SpaceLedger;

// Gives back what is left of it at its end.
class SpaceReservation {
 public:
  SpaceReservation() = default;
  SpaceReservation(SpaceLedger& ledger, std::uint64_t bytes) : ledger_(&ledger), bytes_(bytes) {}
  SpaceReservation(SpaceReservation&& other) noexcept
      : ledger_(std::exchange(other.ledger_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  SpaceReservation& operator=(SpaceReservation&& other) noexcept {
    std::swap(ledger_, other.ledger_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~SpaceReservation() { use(bytes_); }

  std::uint64_t bytes() const noexcept { return bytes_; }
  // `count` of the bytes are on the disk now, or not needed any more. More than is left counts as all.
  void use(std::uint64_t count) noexcept;

 private:
  SpaceLedger* ledger_ = nullptr;
  std::uint64_t bytes_ = 0;
};

class SpaceLedger {
 public:
  // Borrows a descriptor of any file or folder on the file system. `minFree` bytes are never given away.
  SpaceLedger(int fd, std::uint64_t minFree) : fd_(fd), minFree_(minFree) {}

  // Throws Failure(NoSpace) with the numbers when `bytes` more would leave less than minFree; `name` is what they are
  // for.
  SpaceReservation reserve(std::uint64_t bytes, const FileName& name);
  // Bytes reserved and not yet used.
  std::uint64_t outstanding() const noexcept { return outstanding_.load(); }

 private:
  friend class SpaceReservation;

  int fd_;
  std::uint64_t minFree_;
  std::mutex reserving_;
  std::atomic<std::uint64_t> outstanding_{0};
};

}  // namespace ft
