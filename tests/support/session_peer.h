#pragma once
// The other side of a session under test: a socket pair, with the session on one end. Everything happens in the test's
// thread, as far as the bytes at hand allow.

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/frame.h"
#include "common/header.h"
#include "server/log/audit_log.h"
#include "server/session/hash_desk.h"
#include "server/session/segments.h"
#include "server/session/session.h"
#include "tests/support/memory_storage.h"
#include "tests/support/socket_pair.h"

namespace ft {

// A clock that the test moves.
struct TestClock {
  static TimePoint now() { return time(); }
  static void advance(std::chrono::milliseconds step) { time() += step; }

 private:
  static TimePoint& time() {
    static TimePoint value = std::chrono::steady_clock::now();
    return value;
  }
};

// What the sessions of one daemon share, beside the storage.
struct SessionShared {
  Segments segments;
  HashDesk hashes{1};
};

// How a session is set up.
struct SessionSetup {
  SessionLimits limits{};
  // Puts something between the session and its socket.
  std::function<std::unique_ptr<Transport>(std::unique_ptr<Transport>)> wrap{};
  // Another session's, for one more connection to the same daemon.
  std::shared_ptr<SessionShared> shared = std::make_shared<SessionShared>();
  // Who says who the peer is; null: it is Local.
  Authenticator* access = nullptr;
  PeerInfo origin{.address = {}, .unixSocket = true};
};

class SessionPeer {
 public:
  explicit SessionPeer(Storage& storage, const SessionSetup& setup = {})
      : log_(LogLevel::Info, LogFormat::Text,
             {[this](std::string_view line) { logged_ += std::string(line) + "\n"; }, std::chrono::system_clock::now}),
        kits_(1),
        shared_(setup.shared),
        context_{.storage = storage,
                 .log = log_,
                 .kits = kits_,
                 .segments = shared_->segments,
                 .hashes = shared_->hashes,
                 .limits = setup.limits,
                 .draining = draining_,
                 .othersWait = [this] { return crowded_; },
                 .now = TestClock::now,
                 .audit = &audit_,
                 .access = setup.access} {
    testing::SocketPair pair;
    peer_ = std::move(pair.ours);
    auto line = makePlainTransport(std::move(pair.theirs));
    session_ =
        std::make_unique<Session>(setup.wrap ? setup.wrap(std::move(line)) : std::move(line), context_, setup.origin);
  }

  // Sends bytes (the socket's buffer must hold them) and lets the session work on them.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(peer_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      run();
      if (sent < 0 && wait_ == Session::Wait::Closed) return;
    }
  }
  void sendFrame(const std::string& json, std::string_view body = {}) {
    const auto prefix = encodeLength(json.size());
    send(std::string(prefix.data(), prefix.size()) + json + std::string(body));
  }
  void run() {
    if (wait_ == Session::Wait::Closed) return;
    do wait_ = session_->run();
    while (wait_ == Session::Wait::Turn);
    if (wait_ == Session::Wait::Closed) session_.reset();
    collect();
  }
  // For a session that waits for another thread of the daemon.
  void awaitEvent() {
    while (wait_ == Session::Wait::Event) {
      std::this_thread::yield();
      run();
    }
  }
  // As send() and closeSending(), before the session sees anything of it.
  void sendAndClose(std::string_view bytes) {
    if (::send(peer_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) != static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("the socket holds less than that");
    }
    closeSending();
  }
  void closeSending() {
    ::shutdown(peer_.get(), SHUT_WR);
    run();
  }

  // The next reply; throws when none has come.
  Header reply() {
    const auto text = peekFrame(std::as_bytes(std::span(received_.data(), received_.size())));
    if (!text) throw std::runtime_error("no whole frame has come: " + std::to_string(received_.size()) + " bytes");
    Header header = parser_.parse(*text);
    received_.erase(0, kLengthSize + text->size());
    return header;
  }
  // The next bytes that are not a frame.
  std::string take(std::size_t count) {
    if (received_.size() < count) throw std::runtime_error("too few bytes have come");
    std::string bytes = received_.substr(0, count);
    received_.erase(0, count);
    return bytes;
  }
  bool nothingMore() const { return received_.empty(); }
  bool closed() const { return wait_ == Session::Wait::Closed; }
  // The session has said all it will and half-closed: the peer sees the end.
  bool ended() const { return ended_; }
  Session::Wait wait() const { return wait_; }
  // What the session has logged, from Info on.
  const std::string& logged() const { return logged_; }
  void drain() { draining_ = true; }
  // Others wait for the thread from now on: the session never waits a moment for its peer.
  void crowd() { crowded_ = true; }
  Session& session() { return *session_; }
  const std::shared_ptr<SessionShared>& shared() const { return shared_; }
  void passTime(std::chrono::milliseconds time) {
    TestClock::advance(time);
    run();
  }

 private:
  static constexpr std::size_t kLengthSize = 4;

  void collect() {
    char buffer[65536];
    for (;;) {
      const ssize_t got = ::recv(peer_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got == 0) ended_ = true;
      if (got <= 0) break;
      received_.append(buffer, static_cast<std::size_t>(got));
      if (wait_ == Session::Wait::Write && session_) wait_ = session_->run();
    }
    if (wait_ == Session::Wait::Closed) session_.reset();
  }

  std::string logged_;
  Log log_;
  AuditLog audit_{log_, ""};
  KitPool kits_;
  std::shared_ptr<SessionShared> shared_;
  std::atomic<bool> draining_{false};
  bool crowded_ = false;
  SessionContext context_;
  UniqueFd peer_;
  std::unique_ptr<Session> session_;
  Session::Wait wait_ = Session::Wait::Read;
  std::string received_;
  bool ended_ = false;
  HeaderParser parser_;
};

}  // namespace ft
