#pragma once
// One command while it runs: moves its output to the peer and the peer's input to it, watches the limits, and ends all
// of its processes.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/error.h"
#include "exec/child.h"
#include "exec/peer.h"

namespace ft {

// How a command ended.
struct ExecEnd {
  bool peerGone = false;         // nobody is left to tell
  int status = 0;                // as waitpid(2) gives it
  std::optional<Failure> fault;  // a limit ended it
  std::string folder;            // where a shell command was in the end; empty: not known
  std::uint64_t inputLeft = 0;   // bytes that the peer still owes of an input that it has begun
};

class CommandRun {
 public:
  // `signals` is a signalfd for SIGCHLD and SIGTERM, which are blocked. Throws Failure when the command cannot be
  // started.
  CommandRun(const ExecPlan& plan, ExecPeer& peer, int signals);

  // Until the command, and everything that it started, has ended. Throws ProtocolError when the peer breaks the rules;
  // nothing is left then either.
  ExecEnd run();

 private:
  using Clock = std::chrono::steady_clock;

  void watch();
  void serve(short peerEvents, short inputEvents, bool outputReady, bool errorsReady);
  int waitMillis() const;
  void readSignals();
  void readOutput(UniqueFd& from, const char* stream);
  bool passPipe(const UniqueFd& from, const char* stream);
  void readInput();
  void resize(const Header& wanted);
  void moveInput();
  void closeInput();
  void checkLimits();
  void stop(ErrorCode code, const std::string& reason);
  void finishProcesses(std::chrono::milliseconds grace);
  bool over() const;

  const ExecPlan& plan_;
  ExecPeer& peer_;
  const int signals_;
  Child child_;
  const Clock::time_point begun_ = Clock::now();
  std::optional<int> status_;
  bool peerGone_ = false;
  bool ended_ = false;           // no process is left
  std::uint64_t inputLeft_ = 0;  // bytes of the present input frame that have not come or not been taken yet
  std::uint64_t written_ = 0;    // bytes of output so far
  std::optional<Failure> fault_;
};

}  // namespace ft
