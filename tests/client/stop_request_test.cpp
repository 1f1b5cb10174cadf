// Waiting for a descriptor or for the user's wish to stop, whichever comes first.

#include "client/stop_request.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

#include "client/failures.h"

using namespace ft;
using Clock = std::chrono::steady_clock;

namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
  UniqueFd read;
  UniqueFd write;
};

// A SIGTERM that has come, until it goes out of scope.
class PendingSignal {
 public:
  PendingSignal() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
    ::raise(SIGTERM);
  }
  ~PendingSignal() {
    const timespec now{};
    ::sigtimedwait(&set_, nullptr, &now);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  PendingSignal(const PendingSignal&) = delete;
  PendingSignal& operator=(const PendingSignal&) = delete;

  StopRequest stop() const { return StopRequest(UniqueFd(::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK))); }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

}  // namespace

TEST_CASE("a wait ends when its descriptor is ready, or when its time has come") {
  const StopRequest never;
  const Pipe pipe;
  CHECK_FALSE(never.awaitUntil(pipe.read.get(), POLLIN, Clock::now()));
  CHECK_FALSE(never.awaitUntil(pipe.read.get(), POLLIN, Clock::now() + std::chrono::milliseconds(1)));
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  CHECK(never.awaitUntil(pipe.read.get(), POLLIN, Clock::now() + std::chrono::hours(1000)));
  never.await(pipe.read.get(), POLLIN);
}

TEST_CASE("a signal that has come ends every wait, also one for what is ready") {
  const PendingSignal signal;
  const StopRequest stop = signal.stop();
  const Pipe pipe;
  CHECK_THROWS_AS(stop.check(), Interrupted);
  CHECK_THROWS_AS(stop.pause(std::chrono::hours(1)), Interrupted);
  CHECK_THROWS_AS(stop.awaitUntil(pipe.read.get(), POLLIN, Clock::now() + std::chrono::hours(1)), Interrupted);
  CHECK_THROWS_AS(stop.await(pipe.write.get(), POLLOUT), Interrupted);
}
