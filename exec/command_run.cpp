#include "exec/command_run.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "common/escape.h"
#include "common/units.h"
#include "exec/process_tree.h"

namespace ft {
namespace {

using std::chrono::milliseconds;

// How often a command's processes are counted. A bomb makes some hundreds in this time.
constexpr milliseconds kCountInterval{50};
// What a command has after it was asked to end.
constexpr milliseconds kGrace{300};
// From this size on a body is passed on without a copy. Bytes.
constexpr int kLeastPassed = 64 * 1024;
constexpr char kEndOfInput = 4;  // a terminal's default VEOF (termios(3))

std::string readFolder(const UniqueFd& from) {
  std::array<char, PATH_MAX + 1> buffer{};
  const ssize_t size = from ? ::read(from.get(), buffer.data(), buffer.size()) : 0;
  if (size < 2 || buffer[0] != '/' || buffer[static_cast<std::size_t>(size) - 1] != '\n') return {};
  return std::string(buffer.data(), static_cast<std::size_t>(size) - 1);
}

}  // namespace

CommandRun::CommandRun(const ExecPlan& plan, ExecPeer& peer, int signals)
    : plan_(plan), peer_(peer), signals_(signals), child_(startChild(plan)) {}

ExecEnd CommandRun::run() {
  try {
    while (!over()) watch();
  } catch (...) {
    finishProcesses(kGrace);
    throw;
  }
  if (peerGone_) finishProcesses(kGrace);
  ExecEnd end;
  end.peerGone = peerGone_;
  end.status = status_.value_or(SIGKILL);
  end.fault = fault_;
  end.folder = readFolder(child_.folder);
  end.inputLeft = inputLeft_;
  return end;
}

// Over when all is read, told and dead.
bool CommandRun::over() const { return peerGone_ || (ended_ && !child_.output && !child_.errors && peer_.flushed()); }

void CommandRun::watch() {
  const bool canRead = peer_.flushed();
  const bool inputWaits = inputLeft_ > 0 && !peer_.body(1).empty();
  const bool wantsFrames = !peer_.inputFull() && !inputWaits;
  // A negative descriptor is passed over by poll.
  std::array<pollfd, 5> entries{
      pollfd{signals_, POLLIN, 0},
      pollfd{peer_.fd(), static_cast<short>(POLLRDHUP | (wantsFrames ? POLLIN : 0) | (canRead ? 0 : POLLOUT)), 0},
      pollfd{canRead && child_.output ? child_.output.get() : -1, POLLIN, 0},
      pollfd{canRead && child_.errors ? child_.errors.get() : -1, POLLIN, 0},
      pollfd{inputWaits && child_.input ? child_.input.get() : -1, POLLOUT, 0}};
  ::poll(entries.data(), entries.size(), waitMillis());
  if (entries[0].revents != 0) readSignals();
  serve(entries[1].revents, entries[4].revents, entries[2].revents != 0, entries[3].revents != 0);
  checkLimits();
}

void CommandRun::serve(short peerEvents, short inputEvents, bool outputReady, bool errorsReady) {
  if ((peerEvents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) peerGone_ = true;
  if ((peerEvents & POLLIN) != 0 && !peer_.fill()) peerGone_ = true;
  if (peerGone_) return;
  readInput();
  if (inputEvents != 0) moveInput();
  // One body at a time is under way; the other stream has its turn when it is sent.
  if (errorsReady) readOutput(child_.errors, "stderr");
  if (outputReady && peer_.flushed()) readOutput(child_.output, "stdout");
  if (!peer_.flush()) peerGone_ = true;
}

int CommandRun::waitMillis() const {
  milliseconds wait = ended_ ? milliseconds(1000) : kCountInterval;
  if (plan_.limits.time.count() > 0 && !fault_) {
    const auto left = std::chrono::ceil<milliseconds>(begun_ + plan_.limits.time - Clock::now());
    wait = std::clamp(left, milliseconds(0), wait);
  }
  return static_cast<int>(wait.count());
}

void CommandRun::readSignals() {
  signalfd_siginfo info{};
  while (::read(signals_, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGTERM) stop(ErrorCode::ShuttingDown, "the daemon is stopping");
  }
  if (ended_) return;
  ended_ = reapDescendants(child_.pid, status_);
  // What the command left running ends with it: its output is complete when it is gone, and nothing stays behind.
  if (!ended_ && status_) finishProcesses(milliseconds(0));
}

void CommandRun::finishProcesses(milliseconds grace) {
  if (!ended_) ended_ = endDescendants(child_.pid, grace, status_);
}

// Much output goes from the pipe to the peer as it is. False: it has to be read, since it is little, over the limit, or
// the end.
bool CommandRun::passPipe(const UniqueFd& from, const char* stream) {
  int size = 0;
  if (plan_.terminal || ::ioctl(from.get(), FIONREAD, &size) != 0 || size < kLeastPassed) return false;
  const std::uint64_t passed = static_cast<std::uint64_t>(size);
  if (passed > plan_.limits.output - written_) return false;
  written_ += passed;
  peer_.queuePipe(stream, from.get(), passed);
  return true;
}

void CommandRun::readOutput(UniqueFd& from, const char* stream) {
  if (passPipe(from, stream)) return;
  const ssize_t size = ::read(from.get(), peer_.bodyBuffer().data(), ExecPeer::kBodySize);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {  // a terminal says EIO when its other side is closed
    from.reset();
    return;
  }
  const std::uint64_t room = plan_.limits.output - written_;
  const std::size_t kept = static_cast<std::size_t>(std::min<std::uint64_t>(room, static_cast<std::uint64_t>(size)));
  written_ += kept;
  if (kept > 0) peer_.queueBody(stream, kept);
  if (kept < static_cast<std::size_t>(size)) {
    stop(ErrorCode::TooLarge, "the output is larger than " + formatSize(plan_.limits.output) + " (" + plan_.outputRule +
                                  "); the command was ended");
  }
}

void CommandRun::readInput() {
  for (moveInput(); inputLeft_ == 0; moveInput()) {
    const Header* const header = peer_.peekHeader();
    if (header == nullptr) return;
    if (header->cmd == "input") {
      inputLeft_ = header->filesize.value_or(0);
      if (inputLeft_ == 0) closeInput();
    } else if (header->cmd == "resize") {
      resize(*header);
    } else {
      return;  // the next request: its turn comes when this command has ended
    }
    peer_.takeHeader();
  }
}

void CommandRun::resize(const Header& wanted) {
  winsize size{};
  size.ws_row = static_cast<unsigned short>(std::min<std::uint64_t>(wanted.rows.value_or(plan_.rows), 1000));
  size.ws_col = static_cast<unsigned short>(std::min<std::uint64_t>(wanted.columns.value_or(plan_.columns), 1000));
  if (plan_.terminal && child_.output) ::ioctl(child_.output.get(), TIOCSWINSZ, &size);
}

void CommandRun::moveInput() {
  while (inputLeft_ > 0) {
    const std::span<const std::byte> bytes =
        peer_.body(static_cast<std::size_t>(std::min<std::uint64_t>(inputLeft_, SIZE_MAX)));
    if (bytes.empty()) return;
    ssize_t taken = static_cast<ssize_t>(bytes.size());  // a command that reads no more gets no more
    if (child_.input) taken = ::write(child_.input.get(), bytes.data(), bytes.size());
    if (taken < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (taken < 0) {
      child_.input.reset();
      continue;
    }
    peer_.consume(static_cast<std::size_t>(taken));
    inputLeft_ -= static_cast<std::uint64_t>(taken);
  }
}

void CommandRun::closeInput() {
  if (plan_.terminal && child_.input) {
    const ssize_t told = ::write(child_.input.get(), &kEndOfInput, 1);
    if (told == 1) return;
  }
  child_.input.reset();
}

void CommandRun::checkLimits() {
  if (ended_ || fault_) return;
  const ExecLimits& limits = plan_.limits;
  if (limits.time.count() > 0 && Clock::now() >= begun_ + limits.time) {
    stop(ErrorCode::Timeout,
         "the command took longer than " + formatDuration(limits.time) + " (" + plan_.timeRule + ") and was ended");
  } else if (limits.processes > 0 &&
             ProcessTable().countDescendants(::getpid(), limits.processes + 1) > limits.processes) {
    stop(ErrorCode::TooLarge, "the command had more than " + std::to_string(limits.processes) + " processes (" +
                                  plan_.processesRule + ") and was ended");
  }
}

void CommandRun::stop(ErrorCode code, const std::string& reason) {
  if (!fault_) fault_.emplace(code, reason);
  finishProcesses(code == ErrorCode::TooLarge ? milliseconds(0) : kGrace);
}

}  // namespace ft
