#pragma once
// A TCP server in the sense of Python's socketserver: a listening address and a handler to which each connection is
// given. On Poco's TCPServer.

#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/ThreadPool.h>

#include <functional>
#include <memory>
#include <string>

#include "server/network/listener.h"
#include "server/network/peer.h"

namespace ft {

class TcpService {
 public:
  // Runs on the thread that accepts, which admits nobody else meanwhile: it must not wait. The connection is closed
  // when the last copy of the socket is gone. May throw: that ends this connection only.
  using Handler = std::function<void(Poco::Net::StreamSocket&)>;
  struct Limits {
    int backlog = 1024;
    std::string setting = "server.listen, --listen";  // for messages
  };

  // Binds and listens, but accepts nothing yet. Throws ConfigError that names the address and the reason (in use, not
  // permitted, …). Poco's server wants a pool, and starts nothing on it.
  TcpService(const std::string& address, Handler handler, Poco::ThreadPool& pool, const Limits& limits);
  // The same for a socket that listens already.
  TcpService(Listener listener, Handler handler, Poco::ThreadPool& pool);
  ~TcpService();

  // The address with the port that was picked for 0.
  const std::string& address() const { return listener_.address; }
  void start();
  // Ends accepting, after the handler if it runs, and closes the listening socket.
  void stop();

 private:
  Listener listener_;
  std::unique_ptr<Poco::Net::TCPServer> server_;
};

}  // namespace ft
