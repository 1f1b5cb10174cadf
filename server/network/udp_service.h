#pragma once
// A threading UDP server in the sense of Python's socketserver, the twin of TcpService: an address, a pool, and a
// handler to which each datagram is given. On Poco's DatagramSocket; datagrams are moved many at a time (recvmmsg,
// sendmmsg).

#include <Poco/Net/DatagramSocket.h>
#include <Poco/ThreadPool.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "server/limits/source_address.h"

namespace ft {

class UdpService {
 public:
  // Both run on threads of the pool, several at the same time; they must not block and must not throw.
  struct Handler {
    // Is this source answered? False: the datagram is dropped without a word.
    std::function<bool(const SourceAddress&)> admit = [](const SourceAddress&) { return true; };
    // Writes the answer over the question and returns its size, which may be 0; nullopt: no answer. An answer is thus
    // never larger than its question.
    std::function<std::optional<std::size_t>(std::span<std::byte>)> talk;
  };
  struct Limits {
    int threads = 1;  // that talk at the same time; the pool must have as many free
    int receiveBuffer = 8 * 1024 * 1024;
    std::string setting;  // for messages: "echo.udp"
  };

  // Binds, but answers nothing yet. Throws ConfigError that names the address, the setting and the reason.
  UdpService(const std::string& address, Handler handler, Poco::ThreadPool& pool, const Limits& limits);
  ~UdpService();

  // The address with the port that was picked for 0.
  std::string address() const { return address_; }
  // Throws Poco::Exception when the pool has too few threads; stop() then ends those that run.
  void start();
  // Returns when the threads have ended.
  void stop();

 private:
  class Worker;

  void ended();

  const Handler handler_;
  Poco::ThreadPool& pool_;
  Poco::Net::DatagramSocket socket_;
  UniqueFd stopEvent_;
  std::string address_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::mutex mutex_;
  std::condition_variable quiet_;
  int running_ = 0;  // under mutex_
};

}  // namespace ft
