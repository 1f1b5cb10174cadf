#pragma once
// One session with ftpd-exec as a plain caller sees it: a shell command in, all of its output out. For services that
// hold an answer in memory.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/header.h"
#include "common/unique_fd.h"

namespace ft {

struct ExecResult {
  std::string output;  // standard output
  std::string errors;  // standard error, and what ftpd has to say about the run
};

class ExecCall {
 public:
  struct Limits {
    std::uint64_t output = 0;  // bytes of both streams
    std::chrono::milliseconds time{0};
    std::string section = {};  // of the configuration that both come from, for messages
  };

  // `session` as ExecLink::connect() gives it.
  explicit ExecCall(UniqueFd session);

  // Runs the command to its end. `client` is watched: when it goes away, the command is ended and false given back.
  // Throws Failure when ftpd-exec refuses or cannot be reached any more; the session is of no use after that.
  bool run(const std::string& command, int client, const Limits& limits, ExecResult& result);

 private:
  enum class Event { Data, ClientGone, TimeUp };

  Event await(int client, std::chrono::steady_clock::time_point end, bool timed);
  bool fill();
  // Takes what has come; true when the reply is among it.
  bool take(const Limits& limits, ExecResult& result);

  UniqueFd session_;
  HeaderParser parser_;
  std::vector<std::byte> input_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t bodyLeft_ = 0;
  bool bodyIsErrors_ = false;
};

}  // namespace ft
