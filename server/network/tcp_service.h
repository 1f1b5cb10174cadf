#pragma once
// A threading TCP server in the sense of Python's socketserver: a listening address, a name, a pool, and a handler to
// which each connection is given. On Poco's TCPServer.

#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/ThreadPool.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "server/network/listener.h"
#include "server/network/peer.h"

namespace ft {

class TcpService {
 public:
  // Runs on a thread of the pool, with a connection that was accepted. May throw: the connection is then closed.
  using Handler = std::function<void(Poco::Net::StreamSocket&)>;
  struct Limits {
    int threads = 1;  // that talk at the same time; the pool must have as many
    int backlog = 1024;
    std::string setting = "server.listen, --listen";  // for messages
  };

  // Binds and listens, but accepts nothing yet. Throws ConfigError that names the address and the reason (in use, not
  // permitted, …).
  TcpService(const std::string& address, Handler handler, Poco::ThreadPool& pool, const Limits& limits);
  // The same for a socket that listens already.
  TcpService(Listener listener, Handler handler, Poco::ThreadPool& pool, int threads);
  ~TcpService();

  // The address with the port that was picked for 0.
  const std::string& address() const { return listener_.address; }
  void start();
  // Ends accepting and closes the listening socket; handlers that run go on.
  void stop();

 private:
  Listener listener_;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<Poco::Net::TCPServer> server_;
};

}  // namespace ft
