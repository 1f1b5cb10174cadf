#include "server/session/session.h"

#include <poll.h>

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

#include "common/frame.h"
#include "common/protocol.h"
#include "common/secret.h"
#include "server/session/handed_over.h"
#include "server/session/session_state.h"

namespace ft {
namespace {

// A session that could go on gives way to waiting ones after this time.
constexpr std::chrono::milliseconds kTurnTime{4};
// Before a session is parked, its thread waits this long for the peer, unless others need the thread: most peers answer
// at once.
constexpr int kGraceMs = 2;

std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

}  // namespace

Session::Session(std::unique_ptr<Transport> transport, SessionContext& context, const PeerInfo& origin)
    : transport_(std::move(transport)),
      context_(context),
      origin_(origin),
      visitor_(context, origin_, transport_->security()),
      deadlines_(context.limits, context.now()) {
  if (visitor_.isNobody()) limitStartup();
}

Session::~Session() = default;

Session::Wait Session::run() {
  std::unique_ptr<SessionKit> kit;
  Wait wait = Wait::Closed;
  try {
    kit = context_.kits.take();
    if (!busy_) busy_ = std::make_unique<Busy>();
    kit->input.assign(bytesOf(busy_->leftover));
    wipe(busy_->leftover);  // it may be the beginning of a log-in
    wait = loop(*kit);
    if (wait != Wait::Closed) putAside(*kit);
  } catch (const Failure& failure) {
    abandon(failure.what(), &failure);
    wait = Wait::Closed;
  } catch (const std::exception& error) {
    abandon(error.what());
    wait = Wait::Closed;
  }
  if (kit) {
    kit->input.wipe(kit->input.size());
    context_.kits.give(std::move(kit));
  }
  return wait;
}

// Keeps nothing that a session which waits does not need.
void Session::putAside(SessionKit& kit) {
  const auto rest = kit.input.view();
  busy_->leftover.assign(reinterpret_cast<const char*>(rest.data()), rest.size());
  if (busy_->isOver()) {
    busy_.reset();
  } else {
    busy_->shrink();
  }
}

TimePoint Session::deadline() const {
  return busy_ ? std::min(deadlines_.next(), busy_->puts.due()) : deadlines_.next();
}

bool Session::Busy::isOver() const {
  const bool doesNothing = !working && !login && !execRequest && !receiving && !sending;
  return doesNothing && leftover.empty() && output.empty() && nonce.empty() && offers.empty() && puts.empty();
}

void Session::Busy::shrink() {
  output.shrink();
  if (leftover.empty()) leftover.shrink_to_fit();
  if (puts.empty()) puts = {};
}

HandedOver Session::handOver() {
  HandedOver handed;
  handed.transport = std::move(transport_);
  handed.request = std::move(*busy_->execRequest);
  handed.input = std::move(busy_->leftover);
  handed.output = busy_->output.rest();
  handed.origin = origin_;
  handed.audit = context_.audit;
  visitor_.leave(handed);
  return handed;
}

Session::Wait Session::loop(SessionKit& kit) {
  const TimePoint begun = context_.now();
  for (;;) {
    // In every round: a peer that trickles fast enough would never let the session park.
    const TimePoint now = context_.now();
    if (now >= busy_->puts.due()) commitPuts();
    if (deadlines_.isPaused(now, moved())) {
      commitPuts();
      flush();
      return Wait::Time;
    }
    if (deadlines_.startupIsOver(now, transport_->established())) return endStartup();
    if (deadlines_.isOver(now, moved())) return timeOut();
    if (now - begun >= kTurnTime && context_.othersWait()) return Wait::Turn;
    if (outputIsDue() && !flush()) {
      if (const auto wait = waitFor(Progress::NeedWrite)) return *wait;
      continue;
    }
    const Progress progress = advance(kit);
    if (state_ == State::HandOver) return Wait::HandOver;
    if (progress == Progress::Moved) continue;
    if (progress == Progress::Done) return Wait::Closed;
    if (state_ == State::Header) {
      commitPuts();
      if (ending_) continue;
      if (context_.draining && kit.input.empty() && flush()) return Wait::Closed;
    }
    if (const auto wait = waitFor(progress)) return *wait;
  }
}

// What is due must be out before anything writes round the output, or the bytes change places; and before work goes on,
// which is done for nobody who does not read.
bool Session::outputIsDue() const {
  return ending_ || busy_->output.full() || state_ == State::Linger || state_ == State::Work ||
         (state_ == State::Send && busy_->sending->body.needsEmptyOutput());
}

// Waits a moment for the peer; nullopt when it did something.
std::optional<Session::Wait> Session::waitFor(Progress need) {
  const bool flushed = flush();
  if (need == Progress::NeedEvent && flushed) return Wait::Event;
  const bool writing = need == Progress::NeedWrite || !flushed;
  if (!context_.othersWait()) {
    pollfd entry{transport_->fd(), static_cast<short>(writing ? POLLOUT : POLLIN), 0};
    if (::poll(&entry, 1, kGraceMs) > 0) return std::nullopt;
  }
  if (writing) block();
  return writing ? Wait::Write : Wait::Read;
}

// The session is about to wait until the peer takes what it is owed. Whatever the daemon does for it meanwhile, the
// peer has no longer for that than an idle one may stay.
void Session::block() {
  if (busy_->working) busy_->working->work->rest();
  if (deadlines_.awaited() == SessionDeadlines::Awaited::Nothing) deadlines_.awaitNothingFor(context_.now());
  blocked_ = true;
}

Progress Session::advance(SessionKit& kit) {
  if (ending_ && state_ != State::Linger) {
    transport_->shutdownWrite();
    state_ = State::Linger;
    deadlines_.awaitEnd(context_.now());
  }
  switch (state_) {
    case State::Header: return readHeader(kit);
    case State::Work: return workOn();
    case State::LogIn: return awaitLogin();
    case State::Receive: return receiveBody(kit);
    case State::Digest: return digestBody();
    case State::Trailer: return readTrailer(kit);
    case State::Deliver: return deliverUpload();
    case State::Send: return sendBody(kit);
    case State::Discard: return discardBody(kit);
    case State::Linger:
    case State::HandOver: break;
  }
  return linger(kit);
}

Session::Wait Session::timeOut() {
  if (state_ == State::Linger || ending_) return Wait::Closed;
  context_.log.event(LogLevel::Info, "timeout", {{"peer", origin_.name()}, {"while", deadlines_.text()}});
  commitPuts();
  if (busy_->sending || state_ == State::Digest) recordCut("the peer was too slow");
  const bool isPut = state_ == State::Receive || state_ == State::Trailer;
  if (isPut && !busy_->receiving->request.plain) {
    failPut(Failure(ErrorCode::Timeout, state_ == State::Trailer
                                            ? "the trailer did not arrive within server.header_timeout"
                                            : "the body came too slowly"));
  } else if (deadlines_.awaited() == SessionDeadlines::Awaited::Header) {
    reply(errorReply(Header{}, ErrorCode::Timeout, "the header did not arrive within server.header_timeout"));
  }
  flush();
  return Wait::Closed;
}

std::uint64_t Session::moved() const {
  if (busy_->sending) return busy_->sending->body.moved();
  return busy_->receiving ? busy_->receiving->body.moved() : 0;
}

// While nothing is read or written. A peer that sends no more may have gone, and it may only have half-closed and wait
// for its answer: within minutes the kernel's probes tell (transfer_service.cpp).
void Session::lookAfterPeer() {
  pollfd entry{transport_->fd(), POLLRDHUP, 0};
  if (::poll(&entry, 1, 0) <= 0) return;
  if ((entry.revents & (POLLHUP | POLLERR)) != 0)
    throw TransportError(TransportError::Kind::Closed, "the peer has gone");
  deadlines_.awaitNothingFor(context_.now());
}

bool Session::flush() {
  if (!busy_->output.flush(*transport_)) return false;
  const bool wasBlocked = std::exchange(blocked_, false);
  if (wasBlocked && deadlines_.awaited() == SessionDeadlines::Awaited::Nothing) deadlines_.awaitNothing();
  return true;
}

void Session::enterHeader() {
  state_ = State::Header;
  deadlines_.awaitRequest(context_.now());
}

void Session::enterBodyWindow() { deadlines_.awaitBody(context_.now(), moved()); }

void Session::endConnection() {
  commitPuts();
  ending_ = true;
}

void Session::charge(std::uint64_t bytes) {
  if (bytes == 0) return;
  const TimePoint now = context_.now();
  TimePoint until = now;
  if (bucket_) until = std::max(until, bucket_->take(bytes, now));
  if (RateBucket* const shared = visitor_.rate()) until = std::max(until, shared->take(bytes, now));
  if (until > now) deadlines_.pause(until);
}

void Session::settleStartup() {
  settled_ = true;
  deadlines_.endStartup();
}

Session::Wait Session::endStartup() {
  context_.log.event(LogLevel::Info, "timeout", {{"peer", origin_.name()}, {"while", "startup"}});
  reply(errorReply(Header{}, ErrorCode::Timeout, "no request was made within limits.login_timeout"));
  flush();
  return Wait::Closed;
}

Progress Session::linger(SessionKit& kit) {
  kit.input.consume(kit.input.size());
  const IoResult result = kit.input.fill(*transport_);
  switch (result.status) {
    case IoResult::Status::Done: return deadlines_.isOver(context_.now(), 0) ? Progress::Done : Progress::Moved;
    case IoResult::Status::WouldBlockRead: return Progress::NeedRead;
    case IoResult::Status::WouldBlockWrite: return Progress::NeedWrite;
    case IoResult::Status::End: break;
  }
  return Progress::Done;
}

// The connection broke, or the peer broke the protocol, or what it asked for cannot be gone on with (`failure`). What
// had arrived whole before is still stored.
void Session::abandon(const char* reason, const Failure* failure) noexcept {
  try {
    context_.log.event(LogLevel::Info, "connection-ended", {{"peer", origin_.name()}, {"reason", reason}});
    if (!busy_) return;
    if (failure != nullptr && busy_->sending) {
      recordGet(failure);
    } else {
      recordCut(reason);
    }
    busy_->working.reset();
    busy_->login.reset();
    busy_->receiving.reset();
    busy_->sending.reset();
    commitPuts();
    flush();
  } catch (const std::exception&) {
    // The peer is gone, or memory is; there is nobody to tell.
  }
}

}  // namespace ft
