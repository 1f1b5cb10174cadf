#include "client/verbs/exec_verb.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "client/connection/reply.h"
#include "client/failures.h"
#include "client/verbs/exec_output.h"
#include "client/verbs/verb.h"
#include "common/escape.h"

namespace ft {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
// Input is not read ahead by more than this.
constexpr std::size_t kMostUnsent = 256 * 1024;
constexpr std::int64_t kMostCode = 255;

// The own terminal as the remote one wants it while it lives: every key is passed on and nothing is shown twice.
class RawTerminal {
 public:
  RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  ~RawTerminal() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

UniqueFd watchWindow() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

void setSize(Header& header) {
  winsize size{};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return;
  header.rows = size.ws_row;
  header.columns = size.ws_col;
}

Header requestFrom(const Options& options) {
  const std::vector<std::string>& words = options.operands;
  if (words.empty()) throw UsageError("exec needs a command; try: ftpc exec --help");
  for (const std::string& word : words) {
    if (!isUtf8(word)) throw UsageError("'" + escapeText(word, 80) + "' is not UTF-8 and cannot be sent");
  }
  Header request;
  request.cmd = "exec";
  if (options.execShell) {
    std::string command;
    for (const std::string& word : words) command += (command.empty() ? "" : " ") + word;
    request.shell = command;
  } else {
    request.name = words.front();
    if (words.size() > 1) request.args = std::vector<std::string>(words.begin() + 1, words.end());
  }
  if (!options.execNoInput) request.input = true;
  if (options.execTerminal) {
    request.terminal = true;
    setSize(request);
  }
  return request;
}

class RemoteCommand {
 public:
  RemoteCommand(const VerbCall& call, Connection& connection)
      : call_(call), connection_(connection), output_(call.output, call.options.execEncoding) {}

  Header run(const Header& request) {
    connection_.queue(request);
    sendsInput_ = request.input.value_or(false);
    UniqueFd window;
    if (request.terminal) window = watchWindow();
    for (;;) {
      while (const auto header = connection_.takeHeader()) {
        if (header->cmd != "output") return *header;
        takeOutput(*header);
      }
      step(window);
    }
  }

  ExecOutput& output() { return output_; }

 private:
  void step(const UniqueFd& window) {
    const bool reads = sendsInput_ && connection_.unsent() < kMostUnsent;
    std::array<pollfd, 4> entries{
        pollfd{connection_.fd(), static_cast<short>(POLLIN | (connection_.unsent() > 0 ? POLLOUT : 0)), 0},
        pollfd{call_.stop.fd(), POLLIN, 0}, pollfd{reads ? STDIN_FILENO : -1, POLLIN, 0},
        pollfd{window.get(), POLLIN, 0}};
    const bool more = connection_.hasMore();
    ::poll(entries.data(), entries.size(), more ? 0 : -1);
    if (entries[1].revents != 0) call_.stop.check();
    if (entries[3].revents != 0) sendSize(window);
    if (entries[2].revents != 0) sendInput();
    if ((entries[0].revents & POLLOUT) != 0) connection_.sendSome();
    if (!more && (entries[0].revents & ~POLLOUT) == 0) return;
    // A command may be silent for as long as it likes.
    connection_.restartDeadline();
    connection_.receive();
  }

  void sendInput() {
    std::array<char, kPiece> buffer{};
    const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (size < 0) throw failureFromErrno(errno, "standard input");
    Header header;
    header.cmd = "input";
    header.filesize = static_cast<std::uint64_t>(size);
    sendsInput_ = size > 0;
    connection_.queue(header);
    if (size > 0) connection_.output().append(buffer.data(), static_cast<std::size_t>(size));
    connection_.sendSome();
  }

  void sendSize(const UniqueFd& window) {
    signalfd_siginfo info{};
    while (::read(window.get(), &info, sizeof info) == sizeof info) continue;
    Header header;
    header.cmd = "resize";
    setSize(header);
    connection_.queue(header);
    connection_.sendSome();
  }

  void takeOutput(const Header& header) {
    if (!header.filesize) throw ProtocolError("output without a size");
    std::vector<std::byte> buffer(kPiece);
    for (std::uint64_t left = *header.filesize; left > 0;) {
      const std::size_t most = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
      const std::size_t size = connection_.readSome(std::span(buffer).first(most));
      output_.add(header.stream == "stderr", std::span<const std::byte>(buffer).first(size));
      left -= size;
    }
  }

  const VerbCall& call_;
  Connection& connection_;
  ExecOutput output_;
  bool sendsInput_ = false;
};

}  // namespace

void runExec(const VerbCall& call) {
  const Header request = requestFrom(call.options);
  RemoteCommand command(call, call.link.connect());
  Header reply;
  {
    const std::optional<RawTerminal> raw =
        call.options.execTerminal ? std::optional<RawTerminal>(std::in_place) : std::nullopt;
    reply = command.run(request);
  }
  requireCommand(reply, "exec");
  command.output().finish(reply);
  requireOk(reply);
  const std::int64_t code = reply.code.value_or(0);
  if (code < 0 || code > kMostCode) throw ProtocolError("the exit code of the command is not one");
  if (code != 0) call.output.tally().failed(static_cast<int>(code));
}

}  // namespace ft
