// The requests of a session that are refused, and what has been sent along with them.

#include <memory>

#include "common/protocol.h"
#include "server/session/session.h"
#include "server/session/session_state.h"

namespace ft {

void Session::refuseHeader(const HeaderError& error) {
  const Header& header = error.header();
  const Command* const command = findCommand(header.cmd);
  const bool hasBody = command != nullptr && command->body == BodyRule::FromClient;
  const bool goesOn =
      header.cmd != "input" && error.told() >= (hasBody ? HeaderError::Told::Body : HeaderError::Told::Command);
  afterExec_ = !header.plain && header.cmd == "exec";
  // A body is not read from who has not logged in (see admits()).
  if (!goesOn || (hasBody && visitor_.isNobody())) {
    refuse(header, error);
    endConnection();
  } else if (hasBody) {
    fail(header, *command, error);
  } else {
    refuse(header, error);
  }
}

// A client sends the input of its command without waiting. When the command was refused, that is no request of its own,
// and has no reply.
bool Session::passesOver(const Header& request) {
  const bool input = request.cmd == "input";
  const bool belongs = !request.plain && (input || request.cmd == "resize");
  if (!afterExec_ || !belongs) {
    afterExec_ = !request.plain && request.cmd == "exec";
    return false;
  }
  if (input && !request.filesize) {
    refuseInput(request, Failure(ErrorCode::BadRequest, "'filesize' is missing"));
    return true;
  }
  const std::uint64_t size = input ? *request.filesize : 0;
  // Whoever has not logged in could send for ever.
  if (size > 0 && visitor_.isNobody()) {
    endConnection();
  } else if (size > 0) {
    discard(request, BodyReceiver::raw(nullptr, size));
  }
  return true;
}

// Of an input that is answered: it has a body all the same.
void Session::refuseInput(const Header& request, const Failure& failure) {
  const std::uint64_t size = request.filesize.value_or(0);
  if (size > 0 && !visitor_.isNobody()) return refuseBody(request, BodyReceiver::raw(nullptr, size), failure);
  refuse(request, failure);
  // It is not known where the next request begins, or whoever has not logged in could send for ever.
  if (size > 0 || !request.filesize) endConnection();
}

void Session::refuse(const Header& request, const Failure& failure) {
  const Command* command = findCommand(request.cmd);
  // To ask whether something is there is no mistake.
  const bool asked = command != nullptr && command->access == Access::List && failure.code() == ErrorCode::NotFound &&
                     failure.rule().empty();
  record(request, {.failure = &failure, .level = asked ? LogLevel::Debug : LogLevel::Info});
  const bool silent = request.plain && request.cmd == "put";
  if (silent) {
    commitPuts();
    endConnection();
  } else {
    reply(errorReply(request, failure.code(), failure.what()));
  }
}

// As refuse(), for a put whose body is still to come.
void Session::refuseBody(const Header& request, const BodyReceiver& body, const Failure& failure) {
  refuse(request, failure);
  if (!ending_) discard(request, body);
}

// A short body is read and thrown away; a longer one ends the connection.
void Session::discard(Header request, BodyReceiver body) {
  if (!body.chunked() && body.remaining() > kMaxDrainedBody) {
    endConnection();
    return;
  }
  body.discardRest();
  busy_->receiving = std::make_unique<Receiving>(std::move(request), ReceiveFile{}, body, context_.now());
  state_ = State::Discard;
  enterBodyWindow();
}

// What should be a part of the body is none, so nobody knows where the next request begins.
void Session::loseBody(const std::string& reason) {
  const std::unique_ptr<Receiving> lost = std::move(busy_->receiving);
  // A body that is thrown away belongs to a request that has had its reply.
  if (state_ != State::Discard) refuse(lost->request, Failure(ErrorCode::BadRequest, reason));
  endConnection();
}

Progress Session::discardBody(SessionKit& kit) {
  Receiving& now = *busy_->receiving;
  const std::uint64_t before = now.body.received();
  Progress progress = Progress::Moved;
  try {
    progress = now.body.step(kit, *transport_);
  } catch (const ProtocolError& error) {
    loseBody(error.what());
    return Progress::Moved;
  }
  charge(now.body.received() - before);
  if (now.body.received() - now.receivedBefore > kMaxDrainedBody) {
    endConnection();
    return Progress::Moved;
  }
  if (progress != Progress::Done) return progress;
  if (!now.body.chunked()) {
    busy_->receiving.reset();
    enterHeader();
    return Progress::Moved;
  }
  Progress trailerProgress = Progress::Moved;
  if (!nextTrailer(kit, trailerProgress)) return trailerProgress;
  busy_->receiving.reset();
  enterHeader();
  return Progress::Moved;
}

}  // namespace ft
