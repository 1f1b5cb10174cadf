#pragma once
// The configuration of what the daemon serves beside files. The initial values are the built-in defaults; everything is
// off by default.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/exec_settings.h"

namespace ft {

// [echo]
struct EchoConfig {
  std::string tcp;  // HOST:PORT; empty: off
  std::string udp;
  std::size_t clients = 4096;             // TCP clients at once
  std::size_t udpRate = 1000;             // datagrams a second from one source
  std::size_t udpLoopbackRate = 500'000;  // the same on loopback, where nobody can be flooded but oneself
  bool anyAddress = false;                // answer datagrams from public addresses too
};

// [plain-exec]
struct PlainExecConfig {
  enum class Form { Json, Text };
  std::string listen;  // HOST:PORT, loopback only; empty: off
  Form form = Form::Json;
  std::string greeting;                            // sent on connect; empty: none
  std::string emptyOutput;                         // the answer of a command without output; empty: total_size 0
  std::size_t sessions = 128;                      // at once; each has a thread
  std::uint64_t output = std::uint64_t{64} << 20;  // bytes of one command, which are held in memory
  std::chrono::milliseconds time = std::chrono::minutes(10);
  std::chrono::milliseconds settle{40};  // a command is whole when nothing more came for so long
};

// [discovery]
struct DiscoveryConfig {
  bool enabled = false;
  std::string name;       // as people see it; empty: the host's name
  std::string interface;  // empty: all that are up and can multicast
};

struct ServicesConfig {
  EchoConfig echo;
  DiscoveryConfig discovery;
  PlainExecConfig plainExec;
  // [exec] and [exec.NAME] as they were given, and where; and what they mean.
  std::vector<IniEntry> execEntries;
  std::vector<std::string> execOrigins;
  ExecSettings exec;

  // Is there anything that clients may have run over version 1?
  bool execOn() const { return exec.shell || !exec.commands.empty(); }
};

}  // namespace ft
