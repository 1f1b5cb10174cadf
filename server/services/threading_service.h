#pragma once
// A service whose handler talks to one connection on a thread of its own, as socketserver's ThreadingTCPServer does:
// for conversations that are few or short. A connection over the limit is closed at once.

#include <Poco/Net/StreamSocket.h>
#include <Poco/ThreadPool.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "server/log/log.h"
#include "server/network/tcp_service.h"
#include "server/services/service.h"

namespace ft {

class ThreadingService : public Service {
 public:
  // Returns when the conversation is over; the connection is closed then. May throw: that ends this conversation only.
  // Once `stopping` is set it should end where it can; a conversation that goes on for longer than the daemon's
  // patience is cut.
  using Talk = std::function<void(Poco::Net::StreamSocket&, const std::atomic<bool>& stopping)>;
  struct Options {
    std::string name;      // of the threads and in the log
    std::string setting;   // for messages: "plain-exec.listen"
    int connections = 64;  // at once
  };

  // Binds and listens. Throws ConfigError.
  ThreadingService(const std::string& address, Talk talk, Options options, Log& log);
  ~ThreadingService() override;

  std::string address() const override { return tcp_.address(); }
  void start() override { tcp_.start(); }
  void stop(const Patience& patience) override;

 private:
  class Seat;
  class Conversation;

  void admit(const Poco::Net::StreamSocket& socket);
  bool start(Conversation& conversation);
  void converse(Poco::Net::StreamSocket& socket);

  const Talk talk_;
  const Options options_;
  Log& log_;
  std::mutex mutex_;
  std::condition_variable quiet_;
  std::set<int> talking_;  // descriptors; under mutex_
  std::atomic<bool> stopping_{false};
  Poco::ThreadPool threads_;
  TcpService tcp_;
};

}  // namespace ft
