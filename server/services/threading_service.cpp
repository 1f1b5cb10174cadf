#include "server/services/threading_service.h"

#include <Poco/Exception.h>
#include <Poco/Runnable.h>
#include <pthread.h>
#include <sys/socket.h>

#include <exception>
#include <memory>
#include <thread>
#include <utility>

namespace ft {
namespace {

constexpr int kThreadIdleSeconds = 30;
constexpr int kStackSize = 512 * 1024;
constexpr std::chrono::milliseconds kStep{20};
// A thread whose conversation is over is free again after much less.
constexpr std::chrono::milliseconds kThreadStep{1};

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

// Runs on a thread of the pool, and deletes itself then.
class ThreadingService::Conversation : public Poco::Runnable {
 public:
  Conversation(ThreadingService& service, const Poco::Net::StreamSocket& socket)
      : service_(service), socket_(socket), seat_(service, socket_.impl()->sockfd()) {}
  bool hasSeat() const { return seat_.free(); }
  void run() override {
    const std::unique_ptr<Conversation> own(this);
    service_.converse(socket_);
  }

 private:
  ThreadingService& service_;
  Poco::Net::StreamSocket socket_;
  const Seat seat_;  // is given up before the socket is closed
};

ThreadingService::ThreadingService(const std::string& address, Talk talk, Options options, Log& log)
    : talk_(std::move(talk)),
      options_(std::move(options)),
      log_(log),
      threads_(options_.name, 1, options_.connections, kThreadIdleSeconds, kStackSize),
      tcp_(
          address, [this](Poco::Net::StreamSocket& socket) { admit(socket); }, threads_,
          TcpService::Limits{.setting = options_.setting}) {}

ThreadingService::~ThreadingService() {
  const std::atomic<bool> hurry{true};
  stop(Patience{std::chrono::milliseconds(0), hurry});
}

void ThreadingService::admit(const Poco::Net::StreamSocket& socket) {
  auto conversation = std::make_unique<Conversation>(*this, socket);
  if (!conversation->hasSeat()) {
    log_.event(LogLevel::Warn, "connection-refused", {{"service", options_.name}, {"reason", "too many connections"}});
    return;
  }
  while (!start(*conversation)) std::this_thread::sleep_for(kThreadStep);
  static_cast<void>(conversation.release());
}

// False while the thread of the conversation that had the seat before is not free yet.
bool ThreadingService::start(Conversation& conversation) {
  try {
    threads_.start(conversation);
    return true;
  } catch (const Poco::NoThreadAvailableException&) {
    return false;
  }
}

void ThreadingService::converse(Poco::Net::StreamSocket& socket) {
  ::pthread_setname_np(::pthread_self(), options_.name.substr(0, 15).c_str());
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
