#include "server/services/threading_service.h"

#include <pthread.h>
#include <sys/socket.h>

#include <exception>
#include <utility>

namespace ft {
namespace {

constexpr int kThreadIdleSeconds = 30;
constexpr int kStackSize = 512 * 1024;
constexpr std::chrono::milliseconds kStep{20};

}  // namespace

// A conversation among those that run.
class ThreadingService::Seat {
 public:
  Seat(ThreadingService& service, int fd) : service_(service), fd_(fd) {
    const std::lock_guard lock(service_.mutex_);
    const std::size_t most = static_cast<std::size_t>(service_.options_.connections);
    if (service_.stopping_ || service_.talking_.size() >= most) return;
    free_ = service_.talking_.insert(fd_).second;
  }
  ~Seat() {
    const std::lock_guard lock(service_.mutex_);
    if (free_) service_.talking_.erase(fd_);
    service_.quiet_.notify_all();
  }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  bool free() const { return free_; }

 private:
  ThreadingService& service_;
  const int fd_;
  bool free_ = false;
};

ThreadingService::ThreadingService(const std::string& address, Talk talk, Options options, Log& log)
    : talk_(std::move(talk)),
      options_(std::move(options)),
      log_(log),
      // One thread more than conversations, so that the one over the limit is told and not queued.
      threads_(options_.name, 1, options_.connections + 1, kThreadIdleSeconds, kStackSize),
      tcp_(
          address, [this](Poco::Net::StreamSocket& socket) { converse(socket); }, threads_,
          TcpService::Limits{.threads = options_.connections + 1, .setting = options_.setting}) {}

ThreadingService::~ThreadingService() {
  const std::atomic<bool> hurry{true};
  stop(Patience{std::chrono::milliseconds(0), hurry});
}

void ThreadingService::converse(Poco::Net::StreamSocket& socket) {
  ::pthread_setname_np(::pthread_self(), options_.name.substr(0, 15).c_str());
  const Seat seat(*this, socket.impl()->sockfd());
  if (!seat.free()) {
    log_.event(LogLevel::Warn, "connection-refused", {{"service", options_.name}, {"reason", "too many connections"}});
    return;
  }
  try {
    talk_(socket, stopping_);
  } catch (const std::exception& error) {
    log_.event(LogLevel::Info, "connection-ended", {{"service", options_.name}, {"reason", error.what()}});
  }
}

void ThreadingService::stop(const Patience& patience) {
  tcp_.stop();
  stopping_ = true;
  const auto end = std::chrono::steady_clock::now() + patience.limit;
  {
    std::unique_lock lock(mutex_);
    while (!talking_.empty() && !patience.hurry && std::chrono::steady_clock::now() < end) quiet_.wait_for(lock, kStep);
    for (const int fd : talking_) ::shutdown(fd, SHUT_RDWR);
  }
  threads_.joinAll();
}

}  // namespace ft
