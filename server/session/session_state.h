#pragma once
// What a session holds only while it has something to do; kept apart so that an idle session is small. For session*.cpp
// alone.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "server/access/authenticator.h"
#include "server/session/offers.h"
#include "server/session/output_buffer.h"
#include "server/session/put_queue.h"
#include "server/session/session.h"

namespace ft {

// A request that cannot be kept is still whole for the refusal: it is moved once there is memory for it.
static_assert(std::is_nothrow_move_constructible_v<Header>);

struct Session::Working {
  Working(Header&& header, const Command& its, std::unique_ptr<Work> begun)
      : request(std::move(header)), command(its), work(std::move(begun)) {}
  Header request;
  const Command& command;
  std::unique_ptr<Work> work;
};

struct Session::LoggingIn {
  LoggingIn(Header&& header, std::shared_ptr<LoginAttempt> begun)
      : request(std::move(header)), attempt(std::move(begun)) {}
  ~LoggingIn() { attempt->cancel(); }
  LoggingIn(const LoggingIn&) = delete;
  LoggingIn& operator=(const LoggingIn&) = delete;
  Header request;
  std::shared_ptr<LoginAttempt> attempt;
};

struct Session::Receiving {
  Receiving(Header&& header, ReceiveFile file, BodyReceiver receiver, TimePoint now)
      : request(std::move(header)),
        upload(std::move(file.upload)),
        deliver(std::move(file.deliver)),
        body(receiver),
        receivedBefore(receiver.received()),
        begun(now) {}
  Header request;
  std::unique_ptr<Upload> upload;  // null while a refused body is thrown away, and once it is delivered
  std::function<bool(std::unique_ptr<Upload>&)> deliver;
  Header delivered{};  // the reply when that is done
  BodyReceiver body;
  std::uint64_t receivedBefore;  // body bytes, of one that is thrown away from some point on
  TimePoint begun;
};

struct Session::Sending {
  Sending(SendFile send, std::string file, TimePoint now) : name(std::move(file)), body(std::move(send)), begun(now) {}
  std::string name;
  BodySender body;
  TimePoint begun;
};

// All that a session can do without while it rests between two requests. There may be tens of thousands that do.
struct Session::Busy {
  // Is there nothing that a later request would miss?
  bool isOver() const;
  // Gives memory back that is not used while the session waits.
  void shrink();

  std::string leftover;  // input that waits while the session is parked
  OutputBuffer output;
  std::string nonce;  // that a log-in may sign
  Offers offers;
  PutQueue puts;
  bool answering = false;  // some that were committed have no reply yet
  std::unique_ptr<Working> working;
  std::unique_ptr<LoggingIn> login;
  std::unique_ptr<Header> execRequest;  // set with State::HandOver
  std::unique_ptr<Receiving> receiving;
  std::unique_ptr<Sending> sending;
};

}  // namespace ft
