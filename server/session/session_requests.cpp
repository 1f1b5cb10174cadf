// The requests of a session: from a header to a reply, with the bodies between.

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>

#include "common/escape.h"
#include "common/frame.h"
#include "common/protocol.h"
#include "server/session/session.h"
#include "server/session/session_state.h"

namespace ft {
namespace {

// The bytes of a raw put's body; nullopt when the header does not tell.
std::optional<std::uint64_t> rawBodySize(const Header& request) {
  if (!request.filesize) return std::nullopt;
  // Only a put's offset shortens its body; a segment's is its place.
  const std::uint64_t offset = request.plain || request.cmd != "put" ? 0 : request.offset.value_or(0);
  if (offset > *request.filesize) return std::nullopt;
  return *request.filesize - offset;
}

// Of a request that cannot be answered yet.
constexpr std::chrono::milliseconds kAskPause{50};
constexpr int kMostAsks = 100;

// Calls what throws NotYet until it does not; one that waits for others, for a few seconds at most.
class AskAgain : public Work {
 public:
  explicit AskAgain(std::function<Outcome()> ask) : ask_(std::move(ask)) {}
  std::optional<Outcome> step() override {
    try {
      return ask_();
    } catch (const NotYet& failure) {
      waits_ = failure.next() == NotYet::Next::InAMoment;
      if (waits_ && ++asked_ == kMostAsks) throw;
      return std::nullopt;
    }
  }
  std::chrono::milliseconds pause() const override { return waits_ ? kAskPause : std::chrono::milliseconds(0); }

 private:
  const std::function<Outcome()> ask_;
  bool waits_ = false;
  int asked_ = 0;
};

bool isChunked(const Header& request) { return !request.plain && request.body == "chunks"; }

}  // namespace

// The next frame's header, or nullopt with what to do instead. Throws ProtocolError, and HeaderError when the frame is
// read and its header is not understood.
std::optional<Header> Session::nextFrame(SessionKit& kit, Progress& progress) {
  // Not in the middle of a request, which belongs to who began it.
  if (state_ == State::Header) lookWhoIsThere();
  const auto text = peekFrame(kit.input.view());
  if (!text) {
    if (!kit.input.empty()) deadlines_.beginHeader(context_.now());
    progress = Progress::Moved;
    const std::size_t most = visitor_.mostInput();
    if (kit.input.size() >= most) {
      refuse(Header{}, Failure(ErrorCode::Unauthenticated, "log in first: before that, headers have at most " +
                                                               std::to_string(kMaxHeaderBeforeLogin) + " bytes"));
      endConnection();
      return std::nullopt;
    }
    const IoResult result = kit.input.fill(*transport_, most - kit.input.size());
    if (result.status == IoResult::Status::WouldBlockRead) progress = Progress::NeedRead;
    if (result.status == IoResult::Status::WouldBlockWrite) progress = Progress::NeedWrite;
    if (result.status == IoResult::Status::End) {
      if (state_ == State::Trailer)
        throw TransportError(TransportError::Kind::Closed, "the peer closed the connection before the trailer");
      commitPuts();
      endConnection();
    }
    return std::nullopt;
  }
  if (state_ == State::Header) deadlines_.awaitRequest(context_.now());
  const std::size_t size = kLengthPrefixSize + text->size();
  progress = Progress::Moved;
  try {
    Header header = kit.parser.parse(*text);
    if (header.password || header.token) {
      kit.parser.forget();
      kit.input.wipe(size);
    } else {
      kit.input.consume(size);
    }
    return header;
  } catch (const std::exception&) {
    // It may have been a log-in with a mistake in it.
    kit.parser.forget();
    kit.input.wipe(size);
    throw;
  }
}

Progress Session::readHeader(SessionKit& kit) {
  Progress progress = Progress::Moved;
  std::optional<Header> request;
  try {
    request = nextFrame(kit, progress);
  } catch (const HeaderError& error) {
    refuseHeader(error);
  }
  if (request) dispatch(std::move(*request));
  return progress;
}

void Session::dispatch(Header request) {
  enterHeader();
  if (passesOver(request)) return;
  const Command* command = findCommand(request.cmd);
  if (command == nullptr || (request.plain && command->plain == PlainForm::No)) {
    if (request.cmd.empty()) {
      refuse(request, Failure(ErrorCode::BadRequest, "'cmd' is missing"));
      return;
    }
    if (!request.plain && request.cmd == "input") {
      refuseInput(request,
                  Failure(ErrorCode::Unsupported, "an 'input' belongs to the 'exec' before it: there is none"));
      return;
    }
    const std::string name = "'" + escapeText(request.cmd, 64) + "'";
    refuse(request,
           Failure(ErrorCode::Unsupported, command == nullptr ? "command " + name + " is not known"
                                                              : "command " + name + " needs \"v\":1 in its header"));
    return;
  }
  if (context_.draining) {
    refuse(request, Failure(ErrorCode::ShuttingDown, "the daemon is stopping"));
    endConnection();
    return;
  }
  if (admits(request, *command)) runCommand(*command, std::move(request));
}

void Session::runCommand(const Command& command, Header request) {
  if (!visitor_.isNobody()) settleStartup();
  // Puts gather; anything else must see them.
  if (command.body != BodyRule::FromClient) commitPuts();
  attempt(request, command, [&]() -> Outcome {
    try {
      return handle(command, request);
    } catch (const NotYet&) {
      return std::make_unique<AskAgain>([this, &command, request] { return handle(command, request); });
    }
  });
}

Outcome Session::handle(const Command& command, const Header& request) {
  Storage& seen = command.access == Access::None ? context_.storage : visitor_.storage();
  CommandContext context{.storage = seen,
                         .offers = busy_->offers,
                         .segments = context_.segments,
                         .hashes = context_.hashes,
                         .commands = context_.exec != nullptr,
                         .sandbox = context_.sandbox,
                         .services = &context_.services,
                         .loginNonce = [this] { return loginNonce(); }};
  return command.handle(request, context);
}

// What goes wrong is the answer to the request.
template <typename Action>
void Session::attempt(Header& request, const Command& command, const Action& action) {
  try {
    settle(request, command, action());
  } catch (const std::exception& error) {
    if (busy_->answering) throw;  // a reply in the place of one that is missing would be taken for it
    fail(request, command, error);
  }
}

void Session::settle(Header& request, const Command& command, Outcome outcome) {
  if (auto* receive = std::get_if<ReceiveFile>(&outcome)) {
    startReceive(request, std::move(*receive));
  } else if (auto* send = std::get_if<SendFile>(&outcome)) {
    startSend(request, std::move(*send));
  } else if (auto* work = std::get_if<std::unique_ptr<Work>>(&outcome)) {
    startWork(request, command, std::move(*work));
  } else if (std::holds_alternative<HandOver>(outcome)) {
    busy_->execRequest = std::make_unique<Header>(std::move(request));
    state_ = State::HandOver;
  } else if (std::holds_alternative<LogIn>(outcome)) {
    startLogin(request);
  } else {
    // What cannot be recorded is refused, and has no other reply then.
    commitPuts();
    record(request, {.level = command.level});
    reply(std::get<Header>(outcome));
  }
}

void Session::startWork(Header& request, const Command& command, std::unique_ptr<Work> work) {
  busy_->working = std::make_unique<Working>(std::move(request), command, std::move(work));
  state_ = State::Work;
  deadlines_.awaitNothing();
}

Progress Session::workOn() {
  std::optional<Outcome> outcome;
  std::exception_ptr error;
  try {
    outcome = busy_->working->work->step();
  } catch (const std::exception&) {
    error = std::current_exception();
  }
  if (!outcome && !error) {
    const std::chrono::milliseconds pause = busy_->working->work->pause();
    if (pause.count() > 0) deadlines_.pause(context_.now() + pause);
    lookAfterPeer();
    return Progress::Moved;
  }
  const std::unique_ptr<Working> done = std::move(busy_->working);
  enterHeader();
  attempt(done->request, done->command, [&] {
    if (error) std::rethrow_exception(error);
    return std::move(*outcome);
  });
  return Progress::Moved;
}

// A request failed before any byte of a body was taken or sent.
void Session::fail(const Header& request, const Command& command, const std::exception& error) {
  const auto* failure = dynamic_cast<const Failure*>(&error);
  if (failure == nullptr) {
    context_.log.event(LogLevel::Error, "internal-error",
                       {{"peer", origin_.name()}, {"command", command.name}, {"reason", error.what()}});
  }
  const Failure told =
      failure != nullptr ? *failure : Failure(ErrorCode::Internal, "an internal error; the daemon's log says more");
  if (command.body != BodyRule::FromClient) {
    refuse(request, told);
    return;
  }
  const auto size = rawBodySize(request);
  if (isChunked(request) || size) {
    refuseBody(request, isChunked(request) ? BodyReceiver::chunks(nullptr) : BodyReceiver::raw(nullptr, *size), told);
  } else {
    refuse(request, told);
    endConnection();
  }
}

void Session::startReceive(Header& request, ReceiveFile receive) {
  const BodyReceiver body = isChunked(request)
                                ? BodyReceiver::chunks(receive.upload.get())
                                : BodyReceiver::raw(receive.upload.get(), rawBodySize(request).value_or(0));
  busy_->receiving = std::make_unique<Receiving>(std::move(request), std::move(receive), body, context_.now());
  state_ = State::Receive;
  enterBodyWindow();
}

void Session::startSend(const Header& request, SendFile send) {
  const Header header = send.reply;
  // First: once it is announced, the body must come.
  auto sending = std::make_unique<Sending>(std::move(send), request.filename.value_or(""), context_.now());
  reply(header);
  busy_->sending = std::move(sending);
  state_ = State::Send;
  enterBodyWindow();
}

Progress Session::sendBody(SessionKit& kit) {
  const std::uint64_t before = busy_->sending->body.sent();
  const Progress progress = busy_->sending->body.step(kit, *transport_, busy_->output.bytes());
  charge(busy_->sending->body.sent() - before);
  if (progress != Progress::Done) return progress;
  recordGet(nullptr);
  busy_->sending.reset();
  enterHeader();
  return Progress::Moved;
}

void Session::reply(const Header& header) {
  commitPuts();
  appendFrame(busy_->output.bytes(), header);
}

void Session::commitPuts() {
  if (busy_->puts.empty()) return;
  busy_->answering = true;
  for (const PutQueue::Answered& answer : busy_->puts.commit(visitor_.storage())) {
    const PutRecord& put = answer.record;
    if (answer.failure) {
      refuse(put.request, *answer.failure);
      continue;
    }
    record(put.request, {put.size, digestText(put.digests.front()), put.begun});
    if (put.request.plain) continue;
    Header stored = okReply(put.request);
    stored.filename = put.request.filename;
    stored.filesize = put.size;
    for (const DigestValue& digest : put.digests) stored.setDigest(digest);
    appendFrame(busy_->output.bytes(), stored);
  }
  busy_->answering = false;
}

}  // namespace ft
