#pragma once
// Lets several threads tell one observer, by passing on one call at a time.

#include <mutex>
#include <string>

#include "client/transfer/transfer.h"

namespace ft {

class SharedObserver final : public TransferObserver {
 public:
  explicit SharedObserver(TransferObserver& observer) : observer_(observer) {}

  void planned(std::uint64_t files, std::uint64_t bytes) override;
  void advanced(std::uint64_t bytes) override;
  void ended(const FileOutcome& outcome) override;
  void warned(const std::string& text) override;

 private:
  std::mutex mutex_;
  TransferObserver& observer_;
};

}  // namespace ft
