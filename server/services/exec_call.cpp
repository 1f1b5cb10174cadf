#include "server/services/exec_call.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/exec_settings.h"
#include "common/frame.h"
#include "common/protocol.h"
#include "common/units.h"

namespace ft {
namespace {

constexpr std::size_t kInputSize = 256 * 1024;

[[noreturn]] void throwLost() {
  throw Failure(ErrorCode::IoError, "the program that runs commands, ftpd-exec, has ended the session");
}

// The limit that was sent along is a setting here.
std::string reasonOf(const Header& reply, const ExecCall::Limits& limits) {
  std::string text = reply.message.value_or("the command failed");
  const std::size_t at = text.find(kOwnOutputLimit);
  if (at != std::string::npos) text.replace(at, kOwnOutputLimit.size(), "[" + limits.section + "] output");
  return text;
}

}  // namespace

ExecCall::ExecCall(UniqueFd session) : session_(std::move(session)), input_(kInputSize) {}

bool ExecCall::run(const std::string& command, int client, const Limits& limits, ExecResult& result) {
  Header request;
  request.cmd = "exec";
  request.shell = command;
  request.limit = limits.output;
  std::string frame;
  appendFrame(frame, request);
  if (::send(session_.get(), frame.data(), frame.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frame.size()))
    throwLost();
  const auto end = std::chrono::steady_clock::now() + limits.time;
  for (;;) {
    switch (await(client, end, limits.time.count() > 0)) {
      case Event::ClientGone: return false;
      case Event::TimeUp:
        throw Failure(ErrorCode::Timeout, "the command took longer than " + formatDuration(limits.time) + " ([" +
                                              limits.section + "] time) and was ended");
      case Event::Data: break;
    }
    if (!fill()) throwLost();
    if (take(limits, result)) return true;
  }
}

ExecCall::Event ExecCall::await(int client, std::chrono::steady_clock::time_point end, bool timed) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (timed && left.count() <= 0) return Event::TimeUp;
    std::array<pollfd, 2> entries{pollfd{session_.get(), POLLIN, 0}, pollfd{client, POLLRDHUP, 0}};
    ::poll(entries.data(), entries.size(), timed ? static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)) : -1);
    if (entries[1].revents != 0) return Event::ClientGone;
    if (entries[0].revents != 0) return Event::Data;
  }
}

bool ExecCall::fill() {
  if (begin_ > 0) {
    std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  const ssize_t n = ::recv(session_.get(), input_.data() + end_, input_.size() - end_, MSG_DONTWAIT);
  if (n <= 0) return n < 0 && (errno == EAGAIN || errno == EINTR);
  end_ += static_cast<std::size_t>(n);
  return true;
}

bool ExecCall::take(const Limits& limits, ExecResult& result) {
  for (;;) {
    const std::span<const std::byte> bytes = std::span<const std::byte>(input_).subspan(begin_, end_ - begin_);
    if (bodyLeft_ > 0) {
      const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(bodyLeft_, bytes.size()));
      if (size == 0) return false;
      (bodyIsErrors_ ? result.errors : result.output).append(reinterpret_cast<const char*>(bytes.data()), size);
      begin_ += size;
      bodyLeft_ -= size;
      continue;
    }
    const auto text = peekFrame(bytes);
    if (!text) return false;
    const std::size_t frameSize = kLengthPrefixSize + text->size();
    const Header header = parser_.parse(*text);
    begin_ += frameSize;
    if (header.cmd == "output") {
      bodyLeft_ = header.filesize.value_or(0);
      bodyIsErrors_ = header.stream == "stderr";
      continue;
    }
    if (!header.ok.value_or(false)) result.errors += "ftpd: " + reasonOf(header, limits) + "\n";
    return true;
  }
}

}  // namespace ft
