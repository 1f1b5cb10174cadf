// Echo over TCP for very many clients: one thread and one epoll set, so that an idle client costs a descriptor and a
// few bytes.

#include <Poco/ThreadPool.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "common/unique_fd.h"
#include "server/network/tcp_service.h"
#include "server/services/echo_service.h"

namespace ft {
namespace {

constexpr std::size_t kBufferSize = 64 * 1024;

// The clients of an echo service and the thread that talks to all of them.
class EchoLoop {
 public:
  explicit EchoLoop(std::size_t most)
      : most_(most),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        stopEvent_(::eventfd(0, EFD_CLOEXEC)),
        buffer_(kBufferSize) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = stopEvent_.get();
    if (!epoll_ || !stopEvent_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stopEvent_.get(), &event) != 0) {
      throw std::system_error(errno, std::generic_category(), "epoll");
    }
    thread_ = std::thread([this] { watch(); });
  }

  ~EchoLoop() {
    stopping_ = true;
    ::eventfd_write(stopEvent_.get(), 1);
    thread_.join();
  }

  // Takes a client in; false when there are too many. Any thread.
  bool add(UniqueFd client) {
    const int fd = client.get();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    const std::lock_guard lock(mutex_);
    if (clients_.size() >= most_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return false;
    clients_.emplace(fd, Client{std::move(client), {}, 0});
    return true;
  }

 private:
  struct Client {
    UniqueFd socket;
    std::vector<std::byte> pending;  // what the client has not taken yet; nothing more is read until then
    std::size_t sent = 0;
  };

  void watch() {
    ::pthread_setname_np(::pthread_self(), "echo-tcp");
    std::array<epoll_event, 256> events{};
    while (!stopping_) {
      const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd != stopEvent_.get()) serve(event.data.fd);
      }
    }
  }

  void serve(int fd) {
    Client* client = nullptr;
    {
      const std::lock_guard lock(mutex_);
      const auto found = clients_.find(fd);
      if (found == clients_.end()) return;
      client = &found->second;  // only this thread erases, and a map does not move its elements
    }
    if (client->pending.empty() ? echo(*client) : flush(*client)) return;
    const std::lock_guard lock(mutex_);
    clients_.erase(fd);
  }

  // False: the client is gone.
  bool echo(Client& client) {
    const ssize_t size = ::recv(client.socket.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size <= 0) return size < 0 && (errno == EAGAIN || errno == EINTR);
    const std::span<std::byte> bytes(buffer_.data(), static_cast<std::size_t>(size));
    upperCase(bytes);
    const ssize_t sent = ::send(client.socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    const std::span<std::byte> rest = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    if (rest.empty()) return true;
    client.pending.assign(rest.begin(), rest.end());
    client.sent = 0;
    return waitFor(client, EPOLLOUT);
  }

  bool flush(Client& client) {
    const std::span<const std::byte> rest = std::span(client.pending).subspan(client.sent);
    const ssize_t sent = ::send(client.socket.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    client.sent += static_cast<std::size_t>(sent);
    if (client.sent < client.pending.size()) return true;
    client.pending = {};
    return waitFor(client, EPOLLIN);
  }

  bool waitFor(const Client& client, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = client.socket.get();
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.socket.get(), &event) == 0;
  }

  const std::size_t most_;
  UniqueFd epoll_;
  UniqueFd stopEvent_;
  std::vector<std::byte> buffer_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::map<int, Client> clients_;  // under mutex_
  std::thread thread_;
};

class EchoTcp : public Service {
 public:
  EchoTcp(const EchoConfig& config, Log& log)
      : log_(log),
        loop_(config.clients),
        threads_("echo-tcp", 1, 1),
        tcp_(config.tcp, handler(), threads_, TcpService::Limits{.backlog = 1024, .setting = "echo.tcp"}) {}

  std::string address() const override { return tcp_.address(); }
  void start() override { tcp_.start(); }
  void stop(const Patience&) override {
    tcp_.stop();
    threads_.joinAll();
  }

 private:
  TcpService::Handler handler() {
    return [this](Poco::Net::StreamSocket& socket) {
      UniqueFd own(::fcntl(socket.impl()->sockfd(), F_DUPFD_CLOEXEC, 0));
      if (own && loop_.add(std::move(own))) return;
      log_.event(LogLevel::Warn, "echo-refused", {{"reason", "too many clients (echo.clients)"}});
    };
  }

  Log& log_;
  EchoLoop loop_;
  Poco::ThreadPool threads_;
  TcpService tcp_;
};

}  // namespace

std::unique_ptr<Service> makeEchoTcp(const EchoConfig& config, Log& log) {
  return std::make_unique<EchoTcp>(config, log);
}

}  // namespace ft
