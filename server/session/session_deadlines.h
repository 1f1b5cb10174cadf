#pragma once
// What a session waits for its peer to do, and until when; and the pauses that a rate makes. Pure: the clock is handed
// in. Belongs to the session; one thread at a time.

#include <chrono>
#include <cstdint>
#include <string_view>

#include "common/protocol.h"

namespace ft {

using TimePoint = std::chrono::steady_clock::time_point;

struct SessionLimits {
  std::chrono::milliseconds headerTimeout{10'000};
  // From the beginning of a connection to its first request, whatever it does meanwhile (limitStartup()).
  std::chrono::milliseconds loginTimeout{60'000};
  std::chrono::milliseconds idleTimeout{300'000};
  // Bodies must move kMinBodyRate bytes a second over this.
  std::chrono::milliseconds bodyWindow = kBodyRateWindow;
};

class SessionDeadlines {
 public:
  // Nothing: it is the daemon's turn. End: the daemon has said all it will.
  enum class Awaited : std::uint8_t { Request, Header, Body, Trailer, Nothing, End };

  // Waits for the first request. `limits` must outlive it.
  SessionDeadlines(const SessionLimits& limits, TimePoint now);

  // The next moment at which something is due although the peer did nothing.
  TimePoint next() const;
  Awaited awaited() const { return awaited_; }
  // "idle", "header", "body": what a peer was at, for the log.
  std::string_view text() const;

  // Each begins a time of its own.
  void awaitRequest(TimePoint now);
  // The first byte of a header is here. The time for the rest is not extended by what comes of it.
  void beginHeader(TimePoint now);
  // `moved`: how far the body is, in bytes.
  void awaitBody(TimePoint now, std::uint64_t moved);
  void awaitTrailer(TimePoint now);
  void awaitNothing();
  // For a peer that sends no more, or takes nothing, and may have gone: for as long as an idle one may stay.
  void awaitNothingFor(TimePoint now);
  void awaitEnd(TimePoint now);
  // Is its time up? A body that has moved fast enough gets a new window instead.
  bool isOver(TimePoint now, std::uint64_t moved);

  // From its beginning to a first request that is let in, the peer has loginTimeout, whatever it does; without
  // limitStartup() that is only the time for a handshake.
  void limitStartup() { startupLimited_ = true; }
  void endStartup() { startup_ = TimePoint::max(); }
  bool startupIsOver(TimePoint now, bool established);

  // Nothing is to be moved before `until`. The pause is the daemon's own: the peer's time begins anew behind it.
  void pause(TimePoint until) { pausedUntil_ = until; }
  // Is there a pause now? One that is over ends here.
  bool isPaused(TimePoint now, std::uint64_t moved);

 private:
  const SessionLimits& limits_;
  TimePoint deadline_;
  TimePoint startup_;
  TimePoint pausedUntil_ = TimePoint::min();  // min: there is no pause
  std::uint64_t mark_ = 0;                    // how far the body was when its window began
  Awaited awaited_ = Awaited::Request;
  bool startupLimited_ = false;
};

}  // namespace ft
