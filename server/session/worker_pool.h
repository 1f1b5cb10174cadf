#pragma once
// The threads that run sessions: a Poco thread pool with a dispatcher of our own in front of it. Poco's TCPServer
// brings a dispatcher for new connections, but hides it; connections that come back from the parking lot need one of
// our own. Any thread may call.

#include <Poco/Net/TCPServerDispatcher.h>
#include <Poco/ThreadPool.h>

#include <functional>
#include <memory>
#include <string>

namespace ft {

struct Connection;

class WorkerPool {
 public:
  // Runs a connection until it has to wait; called on a worker. Must not throw.
  using Work = std::function<void(const std::shared_ptr<Connection>&)>;

  // `workers` threads at most.
  WorkerPool(const std::string& name, int workers, Work work);
  // stop() must have been called and have returned.
  ~WorkerPool();

  // Queues a connection for the next free worker. Does not block, never refuses. When it throws, for want of memory, no
  // worker will run the connection.
  void enqueue(std::shared_ptr<Connection> connection);
  bool busy() const { return dispatcher_->queuedConnections() > 0; }
  Poco::ThreadPool& threads() { return threads_; }

  // Ends the workers, after what they run; nobody may call enqueue() any more (Poco 1.11 would dead-lock).
  void stop();

 private:
  struct Release {
    void operator()(Poco::Net::TCPServerDispatcher* dispatcher) const { dispatcher->release(); }
  };

  Poco::ThreadPool threads_;
  std::unique_ptr<Poco::Net::TCPServerDispatcher, Release> dispatcher_;
};

}  // namespace ft
