#pragma once
// The user's wish to stop (Ctrl-C, SIGTERM), as a descriptor that every wait of the client includes.

#include <chrono>
#include <csignal>

#include "common/unique_fd.h"

namespace ft {

class StopRequest {
 public:
  // Never stops.
  StopRequest() = default;
  // A signalfd; its signals must be blocked in all threads.
  explicit StopRequest(UniqueFd signals) : signals_(std::move(signals)) {}

  // Becomes readable when the user wants to stop; -1 when that cannot happen.
  int fd() const { return signals_.get(); }
  // Throws Interrupted once a signal has come, then and ever after: it stays pending, so that every thread learns of
  // it. Any thread may call.
  void check() const;
  // Waits until `fd` is ready for `events`, as poll() has them. Throws Interrupted when a signal comes first.
  void await(int fd, short events) const;
  // The same; false when `end` comes first, and whenever it has come already.
  bool awaitUntil(int fd, short events, std::chrono::steady_clock::time_point end) const;
  // Lets `time` pass. Throws Interrupted when a signal comes first.
  void pause(std::chrono::milliseconds time) const;

 private:
  // True when `fd`, which may be -1, is ready; false after `most`, or sooner; less than 0 is without an end.
  bool look(int fd, short events, std::chrono::milliseconds most) const;

  UniqueFd signals_;
};

// Blocks SIGINT, SIGTERM and SIGHUP in the calling thread, ignores SIGPIPE, and returns a request fed by them. To be
// called once, before any thread starts.
StopRequest stopOnSignals();

// While it lives, the stop signals end the program as usual: for calls that cannot be woken (looking up a host name).
class DefaultSignals {
 public:
  DefaultSignals();
  ~DefaultSignals();
  DefaultSignals(const DefaultSignals&) = delete;
  DefaultSignals& operator=(const DefaultSignals&) = delete;

 private:
  sigset_t previous_{};
};

}  // namespace ft
