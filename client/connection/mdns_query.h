#pragma once
// One-shot questions by multicast DNS (RFC 6762 5.1) from ports of our own, on all interfaces of this machine: no
// daemon is needed here. Answers are hostile input: only those of neighbours that fit the question come through, and
// nothing they say is believed to be more than a hint.

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "client/stop_request.h"
#include "common/dns_message.h"
#include "common/network_interfaces.h"
#include "common/unique_fd.h"

namespace ft {

class MdnsQuery {
 public:
  using Clock = std::chrono::steady_clock;
  // Gets an answer and the interface that it came by. Returns true when no more are needed.
  using Take = std::function<bool(const DnsMessage& answer, unsigned interface)>;

  // `stop` must outlive it.
  explicit MdnsQuery(const StopRequest& stop);

  // Sends them on every interface; one that cannot send is left out.
  void ask(const std::vector<DnsQuestion>& questions);
  // Gives answers to `take` until it has enough (true), or `end` has come (false). Throws Interrupted.
  bool collect(Clock::time_point end, const Take& take);

 private:
  struct Way {
    NetworkInterface interface;
    int family = 0;
    UniqueFd socket;
  };

  void open(const NetworkInterface& interface, int family);
  bool readFrom(const Way& way, const Take& take);

  const StopRequest& stop_;
  std::uint16_t id_;
  std::vector<Way> ways_;
  std::vector<std::byte> buffer_;
};

}  // namespace ft
