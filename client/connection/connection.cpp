#include "client/connection/connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/error.h"
#include "common/frame.h"
#include "common/protocol.h"
#include "common/units.h"

namespace ft {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
// Who is asked for less at a time and sends more, without taking what is sent, is not read on. Bytes.
constexpr std::size_t kMostUnread = 1 << 20;
// What the slowest disk that is worth waiting for reads or writes. Bytes a second.
constexpr std::uint64_t kSlowDisk = 20'000'000;

using std::chrono::milliseconds;

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, const StopRequest& stop, milliseconds timeout,
                       std::string peer)
    : transport_(std::move(transport)), stop_(stop), timeout_(timeout), peer_(std::move(peer)) {}

void Connection::makeRoom(std::size_t wanted) {
  if (taken_ == input_.size()) {
    input_.clear();
    taken_ = 0;
  } else if (taken_ >= kReadSize) {
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }
  input_.reserve(input_.size() + wanted);
}

bool Connection::fill() {
  makeRoom(kReadSize);
  const std::size_t before = input_.size();
  input_.resize(before + kReadSize);
  IoResult result;
  try {
    result = transport_->read(std::span(input_).subspan(before));
  } catch (...) {
    input_.resize(before);
    throw;
  }
  input_.resize(before + (result.status == IoResult::Status::Done ? result.bytes : 0));
  if (result.status == IoResult::Status::End) {
    throw TransportError(TransportError::Kind::Closed, peer_ + " closed the connection");
  }
  if (result.status != IoResult::Status::Done) return false;
  moved(result.bytes);
  return true;
}

void Connection::sendSome() {
  while (sent_ < output_.size()) {
    const auto left = std::as_bytes(std::span(output_)).subspan(sent_);
    const IoResult result = transport_->write(left);
    if (result.status != IoResult::Status::Done) break;
    sent_ += result.bytes;
    moved(result.bytes);
  }
  if (sent_ == output_.size()) {
    output_.clear();
    sent_ = 0;
  } else if (sent_ >= output_.size() / 2) {
    output_.erase(0, sent_);
    sent_ = 0;
  }
}

std::size_t Connection::writeSome(std::span<const std::byte> bytes) {
  const IoResult result = transport_->write(bytes);
  const std::size_t count = result.status == IoResult::Status::Done ? result.bytes : 0;
  moved(count);
  return count;
}

Connection::Ready Connection::poll(bool read, bool write) {
  const auto deadline = waitBegun_ + timeout_ + allowance_;
  const auto left = std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - Clock::now()));
  short events = 0;
  if (read) events = static_cast<short>(events | POLLIN);
  if (write) events = static_cast<short>(events | POLLOUT);
  std::array<pollfd, 2> fds{pollfd{transport_->fd(), events, 0}, pollfd{stop_.fd(), POLLIN, 0}};
  const int wait = static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000));
  const int count = ::poll(fds.data(), fds.size(), transport_->buffered() > 0 && read ? 0 : wait);
  if (count < 0 && errno != EINTR) {
    throw TransportError(TransportError::Kind::Other, "poll: " + errorText(errno));
  }
  if (count == 0 && left == milliseconds(0) && !(read && transport_->buffered() > 0)) {
    throw TransportError(TransportError::Kind::Timeout,
                         peer_ + " was silent or too slow for " + formatDuration(timeout_ + allowance_));
  }
  if (fds[1].revents != 0) stop_.check();
  const bool broken = (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
  return {transport_->buffered() > 0 || (fds[0].revents & POLLIN) != 0 || (broken && read),
          (fds[0].revents & POLLOUT) != 0 || broken};
}

Connection::Ready Connection::wait(bool write) {
  for (;;) {
    const bool read = !write || buffered() < kMostUnread;
    Ready ready = poll(read, write || unsent() > 0);
    if (ready.write && unsent() > 0) sendSome();
    if (ready.read) ready.read = read && fill();
    if (ready.read || (ready.write && write)) return ready;
  }
}

void Connection::waitReadable() {
  for (;;) {
    const Ready ready = poll(true, unsent() > 0);
    if (ready.write) sendSome();
    if (ready.read) return;
  }
}

void Connection::moved(std::size_t bytes) {
  const auto seconds = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(timeout_).count());
  movedSince_ += bytes;
  if (movedSince_ >= kMinBodyRate * static_cast<std::uint64_t>(seconds)) restartDeadline();
}

void Connection::restartDeadline() {
  waitBegun_ = Clock::now();
  movedSince_ = 0;
}

void Connection::allowForDisk(std::uint64_t bytes) { allow(std::chrono::seconds(bytes / kSlowDisk)); }

bool Connection::flush() {
  restartDeadline();
  sendSome();
  while (unsent() > 0) {
    if (headerIsHere()) return false;
    wait(true);
  }
  return true;
}

void Connection::login(const Header& request, std::function<void(const Header&)> check) {
  queue(request);
  checkLogin_ = std::move(check);
}

void Connection::settleLogin() {
  if (!checkLogin_) return;
  const auto reply = takeFrame();
  if (!reply) return;
  const auto check = std::exchange(checkLogin_, nullptr);
  check(*reply);
}

bool Connection::headerIsHere() {
  settleLogin();
  return peekFrame(std::span(input_).subspan(taken_)).has_value();
}

std::optional<Header> Connection::takeHeader() {
  settleLogin();
  return checkLogin_ ? std::nullopt : takeFrame();
}

std::optional<Header> Connection::takeFrame() {
  const auto text = peekFrame(std::span<const std::byte>(input_).subspan(taken_));
  if (!text) return std::nullopt;
  const std::size_t size = kLengthPrefixSize + text->size();
  try {
    Header header = parser_.parse(*text);
    taken_ += size;
    allowance_ = milliseconds(0);
    return header;
  } catch (const HeaderError& error) {
    throw ProtocolError("the reply of " + peer_ + " is not understood: " + error.what());
  }
}

std::optional<Header> Connection::lastWords() noexcept {
  bool loginDue = std::exchange(checkLogin_, nullptr) != nullptr;
  for (;;) {
    try {
      while (!headerIsHere() && fill()) {
      }
    } catch (const std::exception&) {
      // The end of the connection: what came before it counts.
    }
    try {
      auto words = takeHeader();
      // A log-in that was refused is why; one that went well is not.
      if (!words || !std::exchange(loginDue, false) || words->ok != true) return words;
    } catch (const std::exception&) {
      return std::nullopt;
    }
  }
}

Header Connection::readHeader() {
  restartDeadline();
  sendSome();
  for (;;) {
    if (auto header = takeHeader()) return std::move(*header);
    wait(false);
  }
}

std::size_t Connection::readSome(std::span<std::byte> into) {
  sendSome();
  for (;;) {
    if (const std::size_t here = buffered(); here > 0) {
      const std::size_t count = std::min(here, into.size());
      std::copy_n(input_.begin() + static_cast<std::ptrdiff_t>(taken_), count, into.begin());
      taken_ += count;
      return count;
    }
    const IoResult result = transport_->read(into);
    if (result.status == IoResult::Status::Done) {
      moved(result.bytes);
      return result.bytes;
    }
    if (result.status == IoResult::Status::End) {
      throw TransportError(TransportError::Kind::Closed, peer_ + " closed the connection");
    }
    waitReadable();
  }
}

void Connection::readExactly(std::span<std::byte> into) {
  while (!into.empty()) into = into.subspan(readSome(into));
}

}  // namespace ft
