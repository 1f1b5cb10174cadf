#pragma once
// One connection between a client and ftpd-exec: looks at each frame's header, hands bodies on as they are, and stops
// at the first sign that the client is gone, which ends the command. One thread.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "server/services/exec_service.h"

namespace ft {

struct ExecRelayContext {
  const ExecSettings& settings;
  const ExecLink& link;
  Log& log;
  std::chrono::milliseconds idleTimeout;
  std::chrono::milliseconds blockedTime;  // a client that takes nothing of its output for so long is gone
  const std::atomic<bool>& draining;
};

class ExecRelay {
 public:
  ExecRelay(HandedOver connection, const ExecRelayContext& context);
  // Until the client is gone, breaks the protocol, does nothing for too long, or the daemon stops.
  void run();

 private:
  using Clock = std::chrono::steady_clock;

  bool takeRequests();
  bool takeFrame(const Header& header);
  void begin(const Header& request);
  void record(const Header& request, const Failure* failure);
  void refuse(const Header& request, const Failure& failure);
  void limitDrained();
  void linger();
  void readClient();
  void readExec();
  void parseExec();
  void execLost();
  void writeClient();
  void writeExec();
  void wait();
  void confirmStill();
  bool clientOwed() const { return !replies_.empty() || execBegin_ < execParsed_; }
  bool execOwed() const { return !execOut_.empty() || (bodyLeft_ > 0 && inBegin_ < inEnd_); }

  HandedOver client_;
  const ExecRelayContext& context_;
  const std::string peer_;  // for the logs
  HeaderParser parser_;
  UniqueFd exec_;
  bool running_ = false;
  bool refused_ = false;  // the last command was not started
  bool ending_ = false;   // when the client has taken what it is owed
  Header request_;        // whose command runs
  bool over_ = false;
  Clock::time_point confirmed_ = Clock::now();
  Clock::time_point progress_ = Clock::now();  // when bytes moved, or a command ended
  Clock::time_point taken_ = Clock::now();     // when the client took some of what it was owed, or was owed nothing

  std::vector<std::byte> in_;  // from the client
  std::size_t inBegin_ = 0;
  std::size_t inEnd_ = 0;
  std::uint64_t bodySize_ = 0;  // of the input frame that is under way
  std::uint64_t bodyLeft_ = 0;
  std::string execOut_;  // headers for ftpd-exec
  std::string replies_;  // our own, for the client

  std::vector<std::byte> execIn_;  // from ftpd-exec: [begin, parsed) may go to the client
  std::size_t execBegin_ = 0;
  std::size_t execParsed_ = 0;
  std::size_t execEnd_ = 0;
  std::uint64_t execBodyLeft_ = 0;
};

}  // namespace ft
