#include "server/session/session_deadlines.h"

#include <algorithm>

#include "common/protocol.h"

namespace ft {
namespace {

// How long a closing connection's input is read and thrown away, so that the last reply is not lost to a reset.
constexpr std::chrono::milliseconds kLingerTime{3000};

}  // namespace

SessionDeadlines::SessionDeadlines(const SessionLimits& limits, TimePoint now)
    : limits_(limits), deadline_(now + limits.idleTimeout), startup_(now + limits.loginTimeout) {}

TimePoint SessionDeadlines::next() const {
  return pausedUntil_ != TimePoint::min() ? pausedUntil_ : std::min(deadline_, startup_);
}

std::string_view SessionDeadlines::text() const {
  switch (awaited_) {
    case Awaited::Header: return "header";
    case Awaited::Body: return "body";
    case Awaited::Trailer: return "trailer";
    case Awaited::Nothing: return "work";
    case Awaited::Request:
    case Awaited::End: break;
  }
  return "idle";
}

void SessionDeadlines::awaitRequest(TimePoint now) {
  awaited_ = Awaited::Request;
  deadline_ = now + limits_.idleTimeout;
}

void SessionDeadlines::beginHeader(TimePoint now) {
  if (awaited_ != Awaited::Request) return;
  awaited_ = Awaited::Header;
  deadline_ = now + limits_.headerTimeout;
}

void SessionDeadlines::awaitBody(TimePoint now, std::uint64_t moved) {
  awaited_ = Awaited::Body;
  mark_ = moved;
  deadline_ = now + limits_.bodyWindow;
}

void SessionDeadlines::awaitTrailer(TimePoint now) {
  awaited_ = Awaited::Trailer;
  deadline_ = now + limits_.headerTimeout;
}

void SessionDeadlines::awaitNothing() {
  awaited_ = Awaited::Nothing;
  deadline_ = TimePoint::max();
}

void SessionDeadlines::awaitNothingFor(TimePoint now) {
  awaited_ = Awaited::Nothing;
  deadline_ = std::min(deadline_, now + limits_.idleTimeout);
}

void SessionDeadlines::awaitEnd(TimePoint now) {
  awaited_ = Awaited::End;
  deadline_ = now + kLingerTime;
}

bool SessionDeadlines::isOver(TimePoint now, std::uint64_t moved) {
  if (now < deadline_) return false;
  if (awaited_ != Awaited::Body) return true;
  const double seconds = std::chrono::duration<double>(limits_.bodyWindow).count();
  if (static_cast<double>(moved - mark_) < seconds * static_cast<double>(kMinBodyRate)) return true;
  awaitBody(now, moved);
  return false;
}

// Absolute: neither a trickle nor many small steps extend it.
bool SessionDeadlines::startupIsOver(TimePoint now, bool established) {
  if (now < startup_) return false;
  if (startupLimited_ || !established) return true;
  endStartup();
  return false;
}

bool SessionDeadlines::isPaused(TimePoint now, std::uint64_t moved) {
  if (pausedUntil_ == TimePoint::min()) return false;
  if (now < pausedUntil_) return true;
  pausedUntil_ = TimePoint::min();
  switch (awaited_) {
    case Awaited::Body: awaitBody(now, moved); break;
    case Awaited::Trailer: awaitTrailer(now); break;
    case Awaited::Request:
    case Awaited::Header: deadline_ = std::max(deadline_, now + limits_.headerTimeout); break;
    case Awaited::Nothing:
    case Awaited::End: break;
  }
  return false;
}

}  // namespace ft
