#include "server/session/parking_lot.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

namespace ft {
namespace {

// Deadlines are looked at this often; they are times of seconds, so a tenth of one late does no harm.
constexpr int kTickMs = 100;
constexpr std::uint64_t kStopNumber = 0;

[[noreturn]] void throwErrno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

ParkingLot::ParkingLot(Wake wake)
    : wake_(std::move(wake)), epoll_(::epoll_create1(EPOLL_CLOEXEC)), stopEvent_(::eventfd(0, EFD_CLOEXEC)) {
  if (!epoll_ || !stopEvent_) throwErrno("epoll");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kStopNumber;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stopEvent_.get(), &event) != 0) throwErrno("epoll_ctl");
  thread_ = std::thread([this] { watch(); });
}

ParkingLot::~ParkingLot() {
  stopping_ = true;
  ::eventfd_write(stopEvent_.get(), 1);
  thread_.join();
}

void ParkingLot::admit(const std::shared_ptr<Connection>& connection) {
  {
    const std::lock_guard lock(mutex_);
    connection->session.setNumber(nextNumber_++);
    nextDeadline_ = std::min(nextDeadline_, connection->session.deadline());
    slots_.emplace(connection->session.number(), Slot{connection, true});
  }
  if (!arm(EPOLL_CTL_ADD, *connection, Session::Wait::Read)) erase(connection->session.number());
}

void ParkingLot::park(const std::shared_ptr<Connection>& connection, Session::Wait wait) {
  if (wait == Session::Wait::Turn) {
    handOn(connection);
    return;
  }
  if (wait == Session::Wait::Closed) {
    erase(connection->session.number());
    return;
  }
  const TimePoint deadline = connection->session.deadline();
  const bool onEvent = wait == Session::Wait::Event;
  // What waits for a time or an event stays disarmed: what the peer does meanwhile must not wake it.
  const bool onPeer = wait == Session::Wait::Read || wait == Session::Wait::Write;
  bool woken = false;
  bool armed = true;
  {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(connection->session.number());
    if (found == slots_.end()) return;
    woken = std::exchange(found->second.woken, false) && onEvent;
    found->second.parked = !woken;
    nextDeadline_ = std::min(nextDeadline_, deadline);
    // Under the lock: once it is parked another worker may take it, and park it to wait for something else.
    if (onPeer) armed = arm(EPOLL_CTL_MOD, *connection, wait);
  }
  if (woken) handOn(connection);
  if (!armed) erase(connection->session.number());
}

bool ParkingLot::arm(int operation, const Connection& connection, Session::Wait wait) {
  epoll_event event{};
  // The end of what the peer says lasts: who waits to write must not be woken by it again and again.
  event.events = EPOLLONESHOT | (wait == Session::Wait::Write ? EPOLLOUT : EPOLLIN | EPOLLRDHUP);
  event.data.u64 = connection.session.number();
  return ::epoll_ctl(epoll_.get(), operation, connection.session.fd(), &event) == 0;
}

void ParkingLot::erase(std::uint64_t number) {
  std::shared_ptr<Connection> last;  // destroyed outside of the lock
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(number);
  if (found == slots_.end()) return;
  last = std::move(found->second.connection);
  slots_.erase(found);
  if (slots_.empty()) empty_.notify_all();
}

void ParkingLot::watch() {
  ::pthread_setname_np(::pthread_self(), "ftpd-parking");
  std::array<epoll_event, 256> events{};
  while (!stopping_) {
    const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), kTickMs);
    for (int i = 0; i < ready; ++i) {
      const std::uint64_t number = events[static_cast<std::size_t>(i)].data.u64;
      if (number != kStopNumber) wake(number);
    }
    wakeExpired(std::chrono::steady_clock::now());
  }
}

void ParkingLot::wake(std::uint64_t number) {
  std::shared_ptr<Connection> connection;
  {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(number);
    if (found == slots_.end()) return;
    if (!std::exchange(found->second.parked, false)) {
      found->second.woken = true;
      return;
    }
    found->second.due = false;
    connection = found->second.connection;
  }
  handOn(std::move(connection));
}

// One that is not parked. Whatever keeps it from the workers, it is not lost.
void ParkingLot::handOn(std::shared_ptr<Connection> connection) noexcept {
  const std::uint64_t number = connection->session.number();
  try {
    wake_(std::move(connection));
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(number);
    if (found == slots_.end()) return;
    found->second.parked = found->second.due = true;
    nextDeadline_ = TimePoint::min();
  }
}

void ParkingLot::wakeExpired(TimePoint now) {
  std::vector<std::shared_ptr<Connection>> expired;
  try {
    const std::lock_guard lock(mutex_);
    if (now < nextDeadline_) return;
    // Stays so when there is no memory for all of them: the next tick looks again.
    nextDeadline_ = TimePoint::min();
    TimePoint next = TimePoint::max();
    for (auto& [number, slot] : slots_) {
      if (!slot.parked) continue;
      const TimePoint deadline = slot.due ? now : slot.connection->session.deadline();
      if (deadline <= now) {
        expired.push_back(slot.connection);
        slot.parked = slot.due = false;
      } else {
        next = std::min(next, deadline);
      }
    }
    nextDeadline_ = next;
  } catch (const std::bad_alloc&) {
    // Those that are in the list are handed on.
  }
  for (auto& connection : expired) handOn(std::move(connection));
}

void ParkingLot::wakeAll() {
  {
    const std::lock_guard lock(mutex_);
    for (auto& [number, slot] : slots_) slot.due = slot.parked;
    nextDeadline_ = TimePoint::min();
  }
  wakeExpired(std::chrono::steady_clock::now());
}

bool ParkingLot::waitUntilEmpty(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, limit, [this] { return slots_.empty(); });
}

void ParkingLot::cutAll() {
  const std::lock_guard lock(mutex_);
  for (auto& [number, slot] : slots_) ::shutdown(slot.connection->session.fd(), SHUT_RDWR);
}

std::size_t ParkingLot::count() const {
  const std::lock_guard lock(mutex_);
  return slots_.size();
}

}  // namespace ft
