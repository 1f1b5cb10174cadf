#include "server/services/exec_relay.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "common/escape.h"
#include "common/frame.h"
#include "common/protocol.h"
#include "server/session/commands.h"

namespace ft {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kClientBuffer = 2 * (kMaxHeaderSize + kLengthPrefixSize);
constexpr std::size_t kExecBuffer = 512 * 1024;
constexpr std::size_t kMostReplies = 256 * 1024;
// How often the rights of a client are looked at while its command runs.
constexpr milliseconds kConfirmTime{1'000};
// How often the flag of a stopping daemon is looked at.
constexpr milliseconds kTick{200};
// For a client that goes on sending after its last reply.
constexpr milliseconds kLingerTime{3'000};

void dropFront(std::string& text, std::size_t count) { text.erase(0, count); }

std::span<const std::byte> bytesOf(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Sends what fits; false when the other end is gone.
bool sendSome(int fd, std::span<const std::byte> bytes, std::size_t& sent) {
  const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  sent = n > 0 ? static_cast<std::size_t>(n) : 0;
  return n >= 0 || errno == EAGAIN || errno == EINTR;
}

}  // namespace

ExecRelay::ExecRelay(HandedOver connection, const ExecRelayContext& context)
    : client_(std::move(connection)),
      context_(context),
      peer_(client_.origin.name()),
      in_(std::max(kClientBuffer, client_.input.size())),
      replies_(std::move(client_.output)),
      execIn_(kExecBuffer) {
  std::memcpy(in_.data(), client_.input.data(), client_.input.size());
  inEnd_ = client_.input.size();
}

void ExecRelay::run() {
  begin(client_.request);
  try {
    while (!over_) {
      const bool more = takeRequests();
      writeClient();
      writeExec();
      if (ending_ && !clientOwed()) return linger();
      if (!over_ && !more) wait();
    }
  } catch (const HeaderError& error) {
    refuse(error.header(), error);
    if (!running_) writeClient();
  }
}

// True when there was one.
bool ExecRelay::takeRequests() {
  bool taken = false;
  while (bodyLeft_ == 0 && replies_.size() < kMostReplies && execOut_.size() < kMostReplies) {
    const auto text = peekFrame(std::span<const std::byte>(in_).subspan(inBegin_, inEnd_ - inBegin_));
    if (!text) break;
    const std::size_t size = kLengthPrefixSize + text->size();
    if (!takeFrame(parser_.parse(*text))) break;
    inBegin_ += size;
    taken = true;
  }
  return taken;
}

// False: not yet.
bool ExecRelay::takeFrame(const Header& header) {
  const bool input = !header.plain && header.cmd == "input";
  if (input || (!header.plain && header.cmd == "resize")) {
    if (input && !header.filesize) {
      throw HeaderError(ErrorCode::BadRequest, "'filesize' is missing", header, HeaderError::Told::Command);
    }
    // With no command running they were under way when it ended; ftpd-exec passes over them too.
    bodySize_ = bodyLeft_ = input ? *header.filesize : 0;
    if (!running_) limitDrained();
    if (exec_) appendFrame(execOut_, header);
    return true;
  }
  if (running_) return false;
  begin(header);
  return true;
}

// The input of a command that was refused is read and thrown away up to a limit, as a session does.
void ExecRelay::limitDrained() {
  if (refused_ && bodyLeft_ > 0 && bodySize_ > kMaxDrainedBody) ending_ = true;
}

// What comes after the end of a connection makes its last reply be lost, so there is nobody to send any.
void ExecRelay::linger() {
  client_.transport->shutdownWrite();
  const auto end = Clock::now() + kLingerTime;
  while (Clock::now() < end && client_.transport->read(in_).status != IoResult::Status::End) {
    pollfd entry{client_.transport->fd(), POLLIN, 0};
    ::poll(&entry, 1, static_cast<int>(kTick.count()));
  }
}

void ExecRelay::begin(const Header& request) {
  refused_ = false;
  try {
    if (request.plain || request.cmd != "exec") {
      throw Failure(ErrorCode::Unsupported, "command '" + escapeText(request.cmd, 64) +
                                                "' is not served on a connection that runs commands; use another one");
    }
    if (context_.draining) throw Failure(ErrorCode::ShuttingDown, "the daemon is stopping");
    if (client_.confirm) client_.confirm(client_);
    checkExecRequest(context_.settings, client_.origin.address, request, client_.entitled);
    if (!exec_) exec_ = context_.link.connect();
    appendFrame(execOut_, request);
    request_ = request;
    running_ = true;
    context_.log.event(LogLevel::Info, "exec-begun",
                       {{"peer", peer_}, {"name", request.name.value_or("")}, {"shell", request.shell.value_or("")}});
    record(request, nullptr);
  } catch (const Failure& failure) {
    refused_ = true;
    refuse(request, failure);
  }
}

void ExecRelay::record(const Header& request, const Failure* failure) {
  if (client_.audit == nullptr) return;
  AuditRecord line;
  line.peer = peer_;
  if (client_.identity.kind != Identity::Kind::Local) {
    line.user = client_.identity.user;
    line.method = client_.identity.method;
  }
  line.command = request.cmd;
  if (request.name) line.name = *request.name;
  if (request.shell) line.name = *request.shell;
  if (failure != nullptr) line.error = errorName(failure->code());
  if (failure != nullptr) line.reason = failure->what();
  line.level = failure != nullptr ? LogLevel::Info : LogLevel::Debug;
  client_.audit->record(line);
}

void ExecRelay::refuse(const Header& request, const Failure& failure) {
  record(request, &failure);
  appendFrame(replies_, errorReply(request, failure.code(), failure.what()));
  progress_ = Clock::now();
}

void ExecRelay::wait() {
  const bool roomIn = inEnd_ - inBegin_ < in_.size();
  const bool readsClient = roomIn && !(bodyLeft_ > 0 && inBegin_ < inEnd_);
  const bool readsExec = execBegin_ == execParsed_ && replies_.empty();
  std::array<pollfd, 2> entries{
      pollfd{client_.transport->fd(),
             static_cast<short>(POLLRDHUP | (readsClient ? POLLIN : 0) | (clientOwed() ? POLLOUT : 0)), 0},
      pollfd{exec_ ? exec_.get() : -1, static_cast<short>((readsExec ? POLLIN : 0) | (execOwed() ? POLLOUT : 0)), 0}};
  if (entries[1].events == 0) entries[1].fd = -1;  // its end would be reported again and again
  const bool waiting = client_.transport->buffered() > 0 && readsClient;
  ::poll(entries.data(), entries.size(), waiting ? 0 : static_cast<int>(kTick.count()));
  if ((entries[0].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) over_ = true;
  if (over_) return;
  if (waiting || (entries[0].revents & POLLIN) != 0) readClient();
  if (readsExec && (entries[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) readExec();
  confirmStill();
  const auto quiet = Clock::now() - progress_;
  if (!running_ && !clientOwed() && (context_.draining || quiet > context_.idleTimeout)) over_ = true;
  if (clientOwed() && Clock::now() - taken_ > context_.blockedTime) over_ = true;
}

// A command may run for days; who is removed meanwhile is not to go on.
void ExecRelay::confirmStill() {
  if (!running_ || !client_.confirm || Clock::now() - confirmed_ < kConfirmTime) return;
  confirmed_ = Clock::now();
  try {
    client_.confirm(client_);
  } catch (const Failure& failure) {
    context_.log.event(LogLevel::Info, "exec-ended", {{"peer", peer_}, {"reason", failure.what()}});
    over_ = true;
  }
}

void ExecRelay::readClient() {
  if (inBegin_ > 0) {
    std::memmove(in_.data(), in_.data() + inBegin_, inEnd_ - inBegin_);
    inEnd_ -= std::exchange(inBegin_, 0);
  }
  const IoResult result = client_.transport->read(std::span(in_).subspan(inEnd_));
  inEnd_ += result.bytes;
  if (result.status == IoResult::Status::End) over_ = true;
  progress_ = Clock::now();
}

void ExecRelay::readExec() {
  if (execBegin_ > 0) {
    std::memmove(execIn_.data(), execIn_.data() + execBegin_, execEnd_ - execBegin_);
    execEnd_ -= execBegin_;
    execBegin_ = execParsed_ = 0;
  }
  const ssize_t n = ::recv(exec_.get(), execIn_.data() + execEnd_, execIn_.size() - execEnd_, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    execLost();
    return;
  }
  execEnd_ += static_cast<std::size_t>(n);
  parseExec();
  progress_ = Clock::now();
}

// How far whole headers and parts of bodies reach: that far may go to the client.
void ExecRelay::parseExec() {
  for (;;) {
    const std::size_t body = static_cast<std::size_t>(std::min<std::uint64_t>(execBodyLeft_, execEnd_ - execParsed_));
    execParsed_ += body;
    execBodyLeft_ -= body;
    if (execBodyLeft_ > 0) return;
    const auto text = peekFrame(std::span<const std::byte>(execIn_).subspan(execParsed_, execEnd_ - execParsed_));
    if (!text) return;
    const Header header = parser_.parse(*text);
    execParsed_ += kLengthPrefixSize + text->size();
    if (header.cmd == "output") {
      execBodyLeft_ = header.filesize.value_or(0);
      continue;
    }
    running_ = false;
    refused_ = header.ok == false && !header.code;
    limitDrained();
    context_.log.event(LogLevel::Info, "exec-ended",
                       {{"peer", peer_}, {"code", header.code.value_or(-1)}, {"error", header.error.value_or("")}});
  }
}

void ExecRelay::execLost() {
  exec_.reset();
  execOut_.clear();
  if (!running_) return;
  running_ = false;
  // In the middle of a frame nothing more can be told.
  if (execBodyLeft_ > 0 || execParsed_ < execEnd_) {
    over_ = true;
    return;
  }
  refuse(request_, Failure(ErrorCode::IoError, "the program that runs commands, ftpd-exec, has ended the session"));
}

void ExecRelay::writeClient() {
  if (!clientOwed()) taken_ = Clock::now();
  while (clientOwed()) {
    // Our own replies stand between two commands, never inside a frame of ftpd-exec.
    const bool ours = execBegin_ == execParsed_;
    const std::span<const std::byte> bytes =
        ours ? bytesOf(replies_) : std::span<const std::byte>(execIn_).subspan(execBegin_, execParsed_ - execBegin_);
    const IoResult result = client_.transport->write(bytes);
    if (result.status != IoResult::Status::Done) return;
    if (ours) {
      dropFront(replies_, result.bytes);
    } else {
      execBegin_ += result.bytes;
    }
    progress_ = taken_ = Clock::now();
  }
}

void ExecRelay::writeExec() {
  while (execOwed()) {
    std::span<const std::byte> bytes = bytesOf(execOut_);
    const bool header = !bytes.empty();
    if (!header)
      bytes = std::span<const std::byte>(in_).subspan(inBegin_, std::min<std::uint64_t>(bodyLeft_, inEnd_ - inBegin_));
    std::size_t sent = bytes.size();
    if (exec_ && !sendSome(exec_.get(), bytes, sent)) {
      execLost();
      return;
    }
    if (sent == 0) return;
    if (header) {
      dropFront(execOut_, sent);
    } else {
      inBegin_ += sent;
      bodyLeft_ -= sent;
    }
  }
}

}  // namespace ft
