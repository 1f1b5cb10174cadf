#include "server/session/worker_pool.h"

#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/Net/TCPServerParams.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <limits>
#include <new>
#include <thread>
#include <utility>

namespace ft {
namespace {

using Poco::Net::StreamSocket;
using Poco::Net::TCPServerConnection;

// Sessions keep their buffers on the heap; OpenSSL wants some room.
constexpr int kStackSize = 1024 * 1024;
constexpr int kThreadIdleSeconds = 30;
// Poco's dispatcher tells only one idle worker of a stop; the others notice after this.
constexpr Poco::Timespan::TimeDiff kDispatcherIdleMicros = 500'000;
// Before a worker that has no memory to begin with looks again.
constexpr std::chrono::milliseconds kMemoryPause{10};

// The dispatcher's queue holds sockets; this one stands for a connection and has no descriptor of its own.
class Ticket : public Poco::Net::StreamSocketImpl {
 public:
  explicit Ticket(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  // True for the first who asks: a worker, or who takes the connection back.
  bool take() { return !taken_.exchange(true); }
  const std::shared_ptr<Connection>& connection() const { return connection_; }

 private:
  const std::shared_ptr<Connection> connection_;
  std::atomic<bool> taken_{false};
};

class Run : public TCPServerConnection {
 public:
  Run(const StreamSocket& socket, const WorkerPool::Work& work) : TCPServerConnection(socket), work_(work) {}
  void run() override {
    auto* const ticket = static_cast<Ticket*>(socket().impl());
    if (ticket->take()) work_(ticket->connection());
  }

 private:
  const WorkerPool::Work& work_;
};

class RunFactory : public Poco::Net::TCPServerConnectionFactory {
 public:
  explicit RunFactory(WorkerPool::Work work) : work_(std::move(work)) {}
  // Must not throw: Poco 1.11 loses the worker's slot for good when it does.
  TCPServerConnection* createConnection(const StreamSocket& socket) override {
    for (;;) {
      if (auto* const run = new (std::nothrow) Run(socket, work_)) return run;
      std::this_thread::sleep_for(kMemoryPause);
    }
  }

 private:
  const WorkerPool::Work work_;
};

class Dispatcher : public Poco::Net::TCPServerDispatcher {
 public:
  using TCPServerDispatcher::TCPServerDispatcher;
  // On each worker. Poco starts one from the thread that needs it, and it inherits that thread's name.
  void run() override {
    ::pthread_setname_np(::pthread_self(), "ftpd-worker");
    while (!runsToItsEnd()) std::this_thread::sleep_for(kMemoryPause);
  }

 private:
  // Poco allocates whenever a worker begins to wait. If that throws, the worker has its slot still and must go on:
  // Poco 1.11 would give the slot to nobody else.
  bool runsToItsEnd() {
    try {
      TCPServerDispatcher::run();
      return true;
    } catch (const std::exception&) {
      duplicate();  // the thread's reference, which run() gives up at its end
      return false;
    }
  }
};

Poco::Net::TCPServerParams::Ptr params(int workers) {
  Poco::Net::TCPServerParams::Ptr params = new Poco::Net::TCPServerParams;
  params->setMaxThreads(workers);
  params->setMaxQueued(std::numeric_limits<int>::max());
  params->setThreadIdleTime(Poco::Timespan(kDispatcherIdleMicros));
  return params;
}

}  // namespace

WorkerPool::WorkerPool(const std::string& name, int workers, Work work)
    : threads_(name, std::min(2, workers), workers, kThreadIdleSeconds, kStackSize),
      dispatcher_(new Dispatcher(new RunFactory(std::move(work)), threads_, params(workers))) {}

WorkerPool::~WorkerPool() = default;

void WorkerPool::enqueue(std::shared_ptr<Connection> connection) {
  auto* const ticket = new Ticket(std::move(connection));
  const StreamSocket socket(ticket);
  try {
    dispatcher_->enqueue(socket);
  } catch (const std::exception&) {
    // Poco may have queued it, and found no memory for one more thread only then.
    if (ticket->take()) throw;
  }
}

void WorkerPool::stop() {
  dispatcher_->stop();
  threads_.joinAll();
}

}  // namespace ft
