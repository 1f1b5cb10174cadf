#include "server/tcp_service.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/Net/TCPServerParams.h>
#include <fcntl.h>

#include <limits>
#include <utility>

#include "common/escape.h"
#include "common/ini_file.h"

namespace ft {
namespace {

using Poco::Net::SocketAddress;
using Poco::Net::StreamSocket;
using Poco::Net::TCPServerConnection;

class Talk : public TCPServerConnection {
 public:
  Talk(const StreamSocket& socket, const std::function<void(StreamSocket&)>& talk)
      : TCPServerConnection(socket), talk_(talk) {}
  void run() override { talk_(socket()); }

 private:
  const std::function<void(StreamSocket&)>& talk_;
};

class TalkFactory : public Poco::Net::TCPServerConnectionFactory {
 public:
  explicit TalkFactory(std::function<void(StreamSocket&)> talk) : talk_(std::move(talk)) {}
  // Must not throw: Poco 1.11 loses the worker's slot for good when it does.
  TCPServerConnection* createConnection(const StreamSocket& socket) override { return new Talk(socket, talk_); }

 private:
  const std::function<void(StreamSocket&)> talk_;
};

class AdmitFilter : public Poco::Net::TCPServerConnectionFilter {
 public:
  explicit AdmitFilter(std::function<bool(const StreamSocket&)> admit) : admit_(std::move(admit)) {}
  bool accept(const StreamSocket& socket) override {
    ::fcntl(socket.impl()->sockfd(), F_SETFD, FD_CLOEXEC);
    return admit_(socket);
  }

 private:
  const std::function<bool(const StreamSocket&)> admit_;
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

std::string formatAddress(const SocketAddress& address) {
  const bool v6 = address.family() == SocketAddress::IPv6;
  const std::string host = address.host().toString();
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(address.port());
}

TcpService::TcpService(const std::string& address, Handler handler, Poco::ThreadPool& pool, const Limits& limits) {
  try {
    const SocketAddress wanted(address);
    // Not the constructor with an address: that one shares the port with any other daemon (SO_REUSEPORT).
    if (wanted.family() == SocketAddress::IPv6) {
      socket_.bind6(wanted, /*reuseAddress=*/true, /*reusePort=*/false, /*ipV6Only=*/true);
    } else {
      socket_.bind(wanted, /*reuseAddress=*/true, /*reusePort=*/false);
    }
    socket_.listen(limits.backlog);
    ::fcntl(socket_.impl()->sockfd(), F_SETFD, FD_CLOEXEC);
    address_ = formatAddress(socket_.address());
  } catch (const Poco::Exception& error) {
    throw ConfigError("cannot listen on " + escapeText(address, 200) + ": " + error.displayText() + " (" +
                      limits.setting + ")");
  }
  server_ = std::make_unique<Poco::Net::TCPServer>(new TalkFactory(std::move(handler.talk)), pool, socket_,
                                                   params(limits.threads));
  server_->setConnectionFilter(new AdmitFilter(std::move(handler.admit)));
}

TcpService::~TcpService() { stop(); }

std::string TcpService::address() const { return address_; }

void TcpService::start() { server_->start(); }

void TcpService::stop() {
  server_->stop();
  socket_.close();  // Poco's stop() leaves it open, and the kernel would go on completing handshakes
}

}  // namespace ft
