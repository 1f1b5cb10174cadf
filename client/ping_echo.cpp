#include "client/ping_echo.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "client/connector.h"
#include "client/exit_code.h"
#include "client/shell.h"
#include "common/escape.h"

namespace ft {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kUsualCount = 5;
constexpr milliseconds kInterval{100};
// An answer that takes longer is lost.
constexpr milliseconds kPatience{1000};

UniqueFd connectUdp(const ServerAddress& address) {
  if (!address.path.empty()) throw UsageError("ping --udp needs HOST:PORT, not a Unix socket");
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  const std::string name = escapeText(address.text());
  if (const int error = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
      error != 0) {
    throw TransportError(TransportError::Kind::Unreachable, name + ": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
  UniqueFd socket(::socket(list->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || ::connect(socket.get(), list->ai_addr, list->ai_addrlen) != 0) {
    throw TransportError(TransportError::Kind::Unreachable, name + " cannot be reached");
  }
  return socket;
}

// A text that comes back changed in a known way, and no two alike.
std::string question(std::size_t number) {
  return "ping " + std::to_string(number) + " " + std::to_string(Clock::now().time_since_epoch().count());
}

std::string answerTo(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

class EchoPing {
 public:
  explicit EchoPing(const Shell& shell) : shell_(shell) {
    if (shell.options.pingUdp) {
      socket_ = connectUdp(shell.options.server);
      transport_ = makePlainTransport(std::move(socket_));
    } else {
      transport_ = connectTo(shell.options.server, shell.options.timeout, shell.stop);
    }
  }

  // The time of one round trip in ms, or less than 0 when there was no answer.
  double turn(std::size_t number) {
    const std::string text = question(number);
    const std::string expected = answerTo(text);
    const auto begin = Clock::now();
    try {
      transport_->write(std::as_bytes(std::span(text)));
      if (awaitAnswer(expected, begin + std::min(kPatience, shell_.options.timeout))) {
        return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
      }
    } catch (const TransportError&) {
      // UDP: nobody listens there now. TCP: no later turn will do better, and each says so.
    }
    return -1;
  }

 private:
  // Other answers are late ones, to questions that were given up.
  bool awaitAnswer(const std::string& expected, Clock::time_point end) {
    std::string received;
    for (;;) {
      const auto left = std::chrono::ceil<milliseconds>(end - Clock::now()).count();
      if (left <= 0) return false;
      std::array<pollfd, 2> entries{pollfd{transport_->fd(), POLLIN, 0}, pollfd{shell_.stop.fd(), POLLIN, 0}};
      ::poll(entries.data(), entries.size(), static_cast<int>(left));
      if (entries[1].revents != 0) shell_.stop.check();
      std::array<std::byte, 2048> buffer{};
      const IoResult result = transport_->read(buffer);
      if (result.status == IoResult::Status::End) return false;
      received.append(reinterpret_cast<const char*>(buffer.data()), result.bytes);
      if (received.ends_with(expected)) return true;
      if (shell_.options.pingUdp) received.clear();
    }
  }

  const Shell& shell_;
  UniqueFd socket_;
  std::unique_ptr<Transport> transport_;
};

std::string decimal(double number) {
  std::array<char, 32> room{};
  std::snprintf(room.data(), room.size(), "%.3f", number);
  return room.data();
}

struct Times {
  std::size_t sent = 0;
  std::vector<double> ms;

  double least() const { return ms.empty() ? 0 : *std::min_element(ms.begin(), ms.end()); }
  double most() const { return ms.empty() ? 0 : *std::max_element(ms.begin(), ms.end()); }
  double average() const {
    double sum = 0;
    for (const double one : ms) sum += one;
    return ms.empty() ? 0 : sum / static_cast<double>(ms.size());
  }
  double lost() const { return 100.0 * static_cast<double>(sent - ms.size()) / static_cast<double>(sent); }
};

void tell(const Shell& shell, const Times& times) {
  const std::string kind = shell.options.pingUdp ? "udp" : "tcp";
  if (!shell.output.json()) {
    std::string line = escapeText(shell.options.server.text()) + ": " + kind + ", " + std::to_string(times.sent) +
                       " sent, " + std::to_string(times.ms.size()) + " answered, " + decimal(times.lost()) + " % lost";
    if (!times.ms.empty()) {
      line += ", min/avg/max " + decimal(times.least()) + "/" + decimal(times.average()) + "/" + decimal(times.most()) +
              " ms";
    }
    shell.output.report(line);
    return;
  }
  shell.output.object("ping", [&](JsonWriter& json) {
    json.key("address");
    json.value(shell.options.server.text());
    json.key("kind");
    json.value(kind);
    json.key("sent");
    json.value(std::uint64_t{times.sent});
    json.key("received");
    json.value(std::uint64_t{times.ms.size()});
    for (const auto& [key, value] : {std::pair{"loss_percent", times.lost()}, std::pair{"min_ms", times.least()},
                                     std::pair{"avg_ms", times.average()}, std::pair{"max_ms", times.most()}}) {
      json.key(key);
      json.raw(decimal(value));
    }
  });
}

}  // namespace

void pingEcho(const Shell& shell) {
  if (shell.options.pingUdp && shell.options.pingTcp) throw UsageError("ping is either --tcp or --udp");
  EchoPing echo(shell);
  Times times;
  const std::size_t count = shell.options.pingCount.value_or(kUsualCount);
  for (std::size_t number = 1; number <= count; ++number) {
    const auto begin = Clock::now();
    const double time = echo.turn(number);
    ++times.sent;
    if (time >= 0) times.ms.push_back(time);
    const auto pause = std::chrono::ceil<milliseconds>(begin + kInterval - Clock::now());
    if (number < count && pause.count() > 0) pauseFor(pause, shell.stop);
  }
  tell(shell, times);
  if (times.ms.empty()) {
    throw TransportError(TransportError::Kind::Timeout,
                         escapeText(shell.options.server.text()) + ": no echo came back");
  }
}

}  // namespace ft
