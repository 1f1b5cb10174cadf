#include "server/network/tcp_service.h"

#include <Poco/Net/TCPServerConnectionFactory.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace ft {
namespace {

using Poco::Net::StreamSocket;

// Poco's server asks it for nothing, as Admission leaves it no connection.
class NoConnections : public Poco::Net::TCPServerConnectionFactory {
 public:
  Poco::Net::TCPServerConnection* createConnection(const StreamSocket& /*socket*/) override { return nullptr; }
};

// Gives each connection to the handler where Poco asks whether to accept it. What throws here costs one connection; in
// Poco's dispatcher (1.11) it would cost a thread's slot for good, and that allocates even while nobody comes.
class Admission : public Poco::Net::TCPServerConnectionFilter {
 public:
  explicit Admission(TcpService::Handler talk) : talk_(std::move(talk)) {}
  bool accept(const StreamSocket& accepted) override {
    StreamSocket socket(accepted);
    const int fd = socket.impl()->sockfd();
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    constexpr int kOn = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);  // a Unix socket refuses, and needs none
    talk_(socket);
    return false;
  }

 private:
  const TcpService::Handler talk_;
};

}  // namespace

TcpService::TcpService(const std::string& address, Handler handler, Poco::ThreadPool& pool, const Limits& limits)
    : TcpService(openListener(address, {.backlog = limits.backlog, .setting = limits.setting}), std::move(handler),
                 pool) {}

TcpService::TcpService(Listener listener, Handler handler, Poco::ThreadPool& pool) : listener_(std::move(listener)) {
  server_ = std::make_unique<Poco::Net::TCPServer>(new NoConnections, pool, listener_.socket);
  server_->setConnectionFilter(new Admission(std::move(handler)));
}

TcpService::~TcpService() { stop(); }

void TcpService::start() { server_->start(); }

void TcpService::stop() {
  server_->stop();
  closeListener(listener_);
}

}  // namespace ft
