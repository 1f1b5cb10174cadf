#include "server/services/plain_exec_service.h"

#include <Poco/Net/StreamSocket.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>

#include "common/digest.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/frame.h"
#include "common/json_writer.h"
#include "server/config/config.h"
#include "server/services/exec_call.h"
#include "server/services/threading_service.h"

namespace ft {
namespace {

using Poco::Net::StreamSocket;

constexpr std::size_t kMaxCommand = 1024;
// How often the flag of a stopping daemon is looked at.
constexpr int kTickMillis = 200;
// A client that takes nothing of its answer for so long is gone.
constexpr int kSendMillis = 30'000;
// What clients of the text form say when they are ready for the output; any other bytes do as well.
constexpr std::string_view kReady = "recv_ready";

// One client and the session of its commands.
class PlainTalk {
 public:
  PlainTalk(int fd, const PlainExecConfig& config, const ExecLink& link, Log& log)
      : fd_(fd), config_(config), link_(link), log_(log) {}

  void run(const std::atomic<bool>& stopping) {
    if (!config_.greeting.empty() && !send(config_.greeting)) return;
    while (awaitBytes(stopping)) {
      const auto command = readBurst("");
      if (!command) return;
      const bool blank = command->find_first_not_of(" \t\r\n") == std::string::npos;
      if (!blank && !serve(*command)) return;
    }
  }

 private:
  // False: the daemon stops.
  bool awaitBytes(const std::atomic<bool>& stopping) const {
    pollfd entry{fd_, POLLIN, 0};
    if (!ahead_.empty()) return true;
    while (!stopping) {
      if (::poll(&entry, 1, kTickMillis) > 0) return true;
    }
    return false;
  }

  // What the client sends until it pauses: a command has no end of its own, and may come in as many segments as the
  // network likes. Whole at once when it ends with a line break, or begins with `word`, behind which the next command
  // may stand already. nullopt: the client is gone.
  std::optional<std::string> readBurst(std::string_view word) {
    std::string text = std::exchange(ahead_, {});
    std::array<char, kMaxCommand> buffer{};
    while (!isWhole(text, word)) {
      pollfd entry{fd_, POLLIN, 0};
      const int ready = ::poll(&entry, 1, text.empty() ? -1 : static_cast<int>(config_.settle.count()));
      if (ready == 0) break;
      const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (n <= 0) return std::nullopt;
      // What is too long is read to its end, so that the rest is not taken for a command.
      if (text.size() <= kMaxCommand) text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    if (!word.empty() && text.starts_with(word)) ahead_ = text.substr(word.size());
    return text;
  }

  static bool isWhole(const std::string& text, std::string_view word) {
    if (!word.empty() && text.starts_with(word)) return true;
    return text.ends_with('\n') && text.size() <= kMaxCommand;
  }

  bool serve(const std::string& command) {
    ExecResult result;
    if (command.size() > kMaxCommand) {
      result.errors = "ftpd: a command has " + std::to_string(kMaxCommand) + " bytes at most\n";
    } else if (!execute(command, result)) {
      return false;
    }
    std::string output = std::move(result.output);
    output += result.errors;
    if (output.empty()) output = config_.emptyOutput;
    log_.event(LogLevel::Info, "plain-exec", {{"command", command}, {"bytes", output.size()}});
    return config_.form == PlainExecConfig::Form::Json ? send(plainExecAnswer(output)) : sendText(output);
  }

  // False: the client is gone.
  bool execute(const std::string& command, ExecResult& result) {
    try {
      if (!call_) call_.emplace(link_.connect());
      return call_->run(command, fd_, ExecCall::Limits{config_.output, config_.time, "plain-exec"}, result);
    } catch (const Failure& failure) {
      // The next command has a new session.
      call_.reset();
      result.errors += "ftpd: " + std::string(failure.what()) + "\n";
      return true;
    }
  }

  bool sendText(const std::string& output) {
    return send(std::to_string(output.size())) && readBurst(kReady).has_value() && send(output);
  }

  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
      if (n >= 0 || errno == EINTR) continue;
      pollfd entry{fd_, POLLOUT, 0};
      if (errno != EAGAIN || ::poll(&entry, 1, kSendMillis) <= 0) return false;
    }
    return true;
  }

  const int fd_;
  const PlainExecConfig& config_;
  const ExecLink& link_;
  Log& log_;
  std::optional<ExecCall> call_;
  std::string ahead_;  // the beginning of the next command
};

}  // namespace

std::string plainExecAnswer(const std::string& output) {
  std::string header;
  JsonWriter json(header);
  json.beginObject();
  for (const char* const key : {"total_size", "data_size"}) json.field(key, std::uint64_t{output.size()});
  json.field("filename", "output");
  json.field("md5", digestOf(DigestAlgorithm::Md5, std::as_bytes(std::span(output))).hex);
  json.endObject();
  const std::array<char, 4> length = encodeLength(header.size());
  return std::string(length.data(), length.size()) + header + output;
}

std::unique_ptr<Service> makePlainExec(const PlainExecConfig& config, const ExecLink& link, Log& log) {
  if (!isLoopbackAddress(config.listen)) {
    throw ConfigError(
        "plain-exec.listen: '" + escapeText(config.listen, 200) +
        "' is not a loopback address; the plain command line runs any command for anyone and listens nowhere else");
  }
  const auto talk = [&config, &link, &log](StreamSocket& socket, const std::atomic<bool>& stopping) {
    PlainTalk(socket.impl()->sockfd(), config, link, log).run(stopping);
  };
  ThreadingService::Options options{"plain-exec", "plain-exec.listen", static_cast<int>(config.sessions)};
  return std::make_unique<ThreadingService>(config.listen, talk, std::move(options), log);
}

}  // namespace ft
