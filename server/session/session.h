#pragma once
// One connection: reads frames, looks commands up, runs them, moves bodies, and answers, as a state machine over a
// transport that never blocks. A thread that runs a session waits for disks, never for the peer: when the peer has to
// do something first, run() returns and the session is parked. One thread at a time; which one does not matter.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/transport.h"
#include "server/network/peer_info.h"
#include "server/session/body_receiver.h"
#include "server/session/body_sender.h"
#include "server/session/session_context.h"
#include "server/session/visitor.h"

namespace ft {

struct HandedOver;

class Session {
 public:
  // What has to happen before run() can do more. Read, Write: the peer. Time: deadline(). Event: the context's `wake`
  // is called. Turn: others come first; queue it again. HandOver: see handOver(). Closed: destroy it.
  enum class Wait { Read, Write, Time, Event, Turn, HandOver, Closed };

  Session(std::unique_ptr<Transport> transport, SessionContext& context, const PeerInfo& origin);
  ~Session();

  // Before the first run(). Bodies count against the bucket, and wait where it is empty.
  void limitBy(std::shared_ptr<RateBucket> bucket) { bucket_ = std::move(bucket); }
  // Its time to a first request is limited by loginTimeout, from its beginning; without this, only the time to the end
  // of a handshake is.
  void limitStartup() { deadlines_.limitStartup(); }
  // Has it made a request that was let in?
  bool settled() const { return settled_; }
  // Its number among the connections, by which it is woken. To be set before the first run().
  std::uint64_t number() const { return number_; }
  void setNumber(std::uint64_t number) { number_ = number; }

  // Does all that can be done without the peer. Never throws. After Closed the session is only to be destroyed, after
  // HandOver to be emptied by handOver() and destroyed.
  Wait run();
  // The connection with all that belongs to it; its place among the connections is not the session's to give.
  HandedOver handOver();
  // When run() is to be called although the peer did nothing: it then ends the session, or finds it in order and sets a
  // new deadline.
  TimePoint deadline() const;
  int fd() const { return transport_->fd(); }
  std::string peer() const { return origin_.name(); }

 private:
  enum class State : std::uint8_t {
    Header,
    Work,
    LogIn,
    Receive,
    Digest,
    Trailer,
    Deliver,
    Send,
    Discard,
    Linger,
    HandOver
  };
  struct Busy;
  struct Working;
  struct LoggingIn;
  struct Receiving;
  struct Sending;

  Wait loop(SessionKit& kit);
  void putAside(SessionKit& kit);
  bool outputIsDue() const;
  Progress advance(SessionKit& kit);
  std::optional<Wait> waitFor(Progress need);
  void block();
  Wait timeOut();
  // How far the present body is, in bytes.
  std::uint64_t moved() const;
  void lookAfterPeer();

  void refuseHeader(const HeaderError& error);
  Progress readHeader(SessionKit& kit);
  std::optional<Header> nextFrame(SessionKit& kit, Progress& progress);
  void dispatch(Header request);
  bool passesOver(const Header& request);
  void refuseInput(const Header& request, const Failure& failure);
  void runCommand(const Command& command, Header request);
  Outcome handle(const Command& command, const Header& request);
  template <typename Action>
  void attempt(Header& request, const Command& command, const Action& action);
  // These four keep the request where they go on with it. Once they have taken it, nothing fails: a refusal needs it.
  void settle(Header& request, const Command& command, Outcome outcome);
  void startReceive(Header& request, ReceiveFile receive);
  void startLogin(Header& request);
  void startWork(Header& request, const Command& command, std::unique_ptr<Work> work);
  Progress workOn();

  // Who is there (session_login.cpp).
  void lookWhoIsThere();
  void become(std::shared_ptr<const Identity> identity);
  bool admits(const Header& request, const Command& command);
  Progress awaitLogin();
  void welcome(const Header& request);
  std::string loginNonce();

  void fail(const Header& request, const Command& command, const std::exception& error);
  void startSend(const Header& request, SendFile send);
  Progress receiveBody(SessionKit& kit);
  Progress digestBody();
  std::optional<Header> nextTrailer(SessionKit& kit, Progress& progress);
  Progress readTrailer(SessionKit& kit);
  void finishPut(const Header* trailer);
  Progress deliverUpload();
  void failPut(const Failure& failure);
  void loseBody(const std::string& reason);
  Progress sendBody(SessionKit& kit);
  Progress discardBody(SessionKit& kit);
  Progress linger(SessionKit& kit);

  // What was done with a request, for the audit log.
  struct Deed {
    std::uint64_t bytes = 0;
    std::string_view digest{};
    std::optional<TimePoint> begun{};
    const Failure* failure = nullptr;
    std::string_view cut{};  // of a transfer that was: why
    LogLevel level = LogLevel::Info;
  };
  void record(const Header& request, const Deed& deed);
  void recordGet(const Failure* failure, std::string_view cut = {});
  // Of the transfer that goes on, if there is one, as it ends here.
  void recordCut(std::string_view reason);
  void reply(const Header& header);
  void refuse(const Header& request, const Failure& failure);
  void refuseBody(const Header& request, const BodyReceiver& body, const Failure& failure);
  void discard(Header request, BodyReceiver body);
  void commitPuts();
  void enterHeader();
  void enterBodyWindow();
  // What is said is sent, and the connection ends.
  void endConnection();
  // Bytes of a body have moved: pauses when that was too fast.
  void charge(std::uint64_t bytes);
  void settleStartup();
  Wait endStartup();
  bool flush();
  void abandon(const char* reason, const Failure* failure = nullptr) noexcept;

  std::unique_ptr<Transport> transport_;
  SessionContext& context_;
  const PeerInfo origin_;
  Visitor visitor_;
  std::uint64_t number_ = 0;
  std::shared_ptr<RateBucket> bucket_;
  SessionDeadlines deadlines_;
  std::uint8_t loginTries_ = 0;
  State state_ = State::Header;
  bool settled_ = false;
  bool ending_ = false;         // flush, then linger
  bool blocked_ = false;        // there was output that the peer did not take, and it is not all out yet
  bool afterExec_ = false;      // the last request was an exec that was refused
  std::unique_ptr<Busy> busy_;  // while run() works, and as long as there is anything in it
};

}  // namespace ft
