#include "client/transfer/shared_observer.h"

namespace ft {

void SharedObserver::planned(std::uint64_t files, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  observer_.planned(files, bytes);
}

void SharedObserver::advanced(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  observer_.advanced(bytes);
}

void SharedObserver::ended(const FileOutcome& outcome) {
  const std::lock_guard lock(mutex_);
  observer_.ended(outcome);
}

void SharedObserver::warned(const std::string& text) {
  const std::lock_guard lock(mutex_);
  observer_.warned(text);
}

}  // namespace ft
