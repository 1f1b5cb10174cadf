#pragma once
// Work that is done beside the caller's, on a thread of its own; where the system allows no more of these, by join().

#include <exception>
#include <thread>
#include <utility>

namespace ft {

template <typename Work>
class SideThread {
 public:
  // `work` must not throw.
  explicit SideThread(Work work) : work_(std::move(work)) {
    try {
      thread_ = std::thread(work_);
    } catch (const std::exception&) {
      // Too many threads, or no memory for one.
    }
  }
  SideThread(const SideThread&) = delete;
  SideThread& operator=(const SideThread&) = delete;
  ~SideThread() {
    if (thread_.joinable()) thread_.join();
  }

  bool hasThread() const { return thread_.joinable(); }
  // Returns when the work is done. Once.
  void join() {
    if (thread_.joinable()) {
      thread_.join();
    } else {
      work_();
    }
  }

 private:
  Work work_;
  std::thread thread_;
};

}  // namespace ft
