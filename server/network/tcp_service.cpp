#include "server/network/tcp_service.h"

#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/Net/TCPServerParams.h>
#include <fcntl.h>

#include <chrono>
#include <limits>
#include <thread>
#include <utility>

namespace ft {
namespace {

using Poco::Net::StreamSocket;
using Poco::Net::TCPServerConnection;

// Connections that are accepted and wait for a thread.
constexpr int kMostQueued = 32;
constexpr std::chrono::milliseconds kQueueStep{1};

class Talk : public TCPServerConnection {
 public:
  Talk(const StreamSocket& socket, const TcpService::Handler& talk) : TCPServerConnection(socket), talk_(talk) {}
  void run() override { talk_(socket()); }

 private:
  const TcpService::Handler& talk_;
};

class TalkFactory : public Poco::Net::TCPServerConnectionFactory {
 public:
  explicit TalkFactory(TcpService::Handler talk) : talk_(std::move(talk)) {}
  // Must not throw: Poco 1.11 loses the worker's slot for good when it does.
  TCPServerConnection* createConnection(const StreamSocket& socket) override { return new Talk(socket, talk_); }

 private:
  const TcpService::Handler talk_;
};

// Lets every connection in, as soon as there is room for it in the queue.
class QueueBound : public Poco::Net::TCPServerConnectionFilter {
 public:
  // Borrows the server, which owns the filter.
  QueueBound(const Poco::Net::TCPServer& server, const std::atomic<bool>& stopping)
      : server_(server), stopping_(stopping) {}
  bool accept(const StreamSocket& socket) override {
    ::fcntl(socket.impl()->sockfd(), F_SETFD, FD_CLOEXEC);
    waitForRoom();
    return true;
  }

 private:
  // The queue itself has no bound (see params()), and what waits in it holds a descriptor: a flood would take the last
  // ones from transfers that run. While this waits, connections wait in the kernel, which holds none.
  void waitForRoom() const {
    while (server_.queuedConnections() >= kMostQueued && !stopping_) std::this_thread::sleep_for(kQueueStep);
  }

  const Poco::Net::TCPServer& server_;
  const std::atomic<bool>& stopping_;
};

Poco::Net::TCPServerParams::Ptr params(int threads) {
  Poco::Net::TCPServerParams::Ptr params = new Poco::Net::TCPServerParams;
  params->setMaxThreads(threads);
  params->setMaxQueued(
      std::numeric_limits<int>::max());  // the filter counts; a full queue would close connections without a word
  params->setThreadIdleTime(Poco::Timespan(500'000));
  return params;
}

}  // namespace

TcpService::TcpService(const std::string& address, Handler handler, Poco::ThreadPool& pool, const Limits& limits)
    : TcpService(openListener(address, {.backlog = limits.backlog, .setting = limits.setting}), std::move(handler),
                 pool, limits.threads) {}

TcpService::TcpService(Listener listener, Handler handler, Poco::ThreadPool& pool, int threads)
    : listener_(std::move(listener)) {
  server_ = std::make_unique<Poco::Net::TCPServer>(new TalkFactory(std::move(handler)), pool, listener_.socket,
                                                   params(threads));
  server_->setConnectionFilter(new QueueBound(*server_, stopping_));
}

TcpService::~TcpService() { stop(); }

void TcpService::start() { server_->start(); }

void TcpService::stop() {
  stopping_ = true;
  server_->stop();
  closeListener(listener_);
}

}  // namespace ft
