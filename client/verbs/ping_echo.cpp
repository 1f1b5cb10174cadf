#include "client/verbs/ping_echo.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "client/connection/connector.h"
#include "client/connection/resolver.h"
#include "client/failures.h"
#include "client/verbs/verb.h"
#include "common/escape.h"

namespace ft {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kUsualCount = 5;
constexpr milliseconds kInterval{100};
// An answer that takes longer is lost.
constexpr milliseconds kPatience{1000};

UniqueFd connectUdp(const ServerAddress& address, const StopRequest& stop) {
  const Endpoint endpoint = resolve(address, stop).front();
  UniqueFd socket(::socket(endpoint.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || ::connect(socket.get(), endpoint.get(), endpoint.size) != 0) {
    throw TransportError(TransportError::Kind::Unreachable, escapeText(address.text()) + " cannot be reached");
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
  EchoPing(const VerbCall& call, const ServerAddress& address) : call_(call) {
    if (call.options.pingUdp) {
      transport_ = makePlainTransport(connectUdp(address, call.stop));
    } else {
      transport_ = makePlainTransport(connectTo(address, call.options.timeout, call.stop));
    }
  }

  // The time of one round trip in ms, or less than 0 when there was no answer.
  double turn(std::size_t number) {
    const std::string text = question(number);
    const std::string expected = answerTo(text);
    const auto begin = Clock::now();
    try {
      transport_->write(std::as_bytes(std::span(text)));
      if (awaitAnswer(expected, begin + std::min(kPatience, call_.options.timeout))) {
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
    while (call_.stop.awaitUntil(transport_->fd(), POLLIN, end)) {
      std::array<std::byte, 2048> buffer{};
      const IoResult result = transport_->read(buffer);
      if (result.status == IoResult::Status::End) return false;
      received.append(reinterpret_cast<const char*>(buffer.data()), result.bytes);
      if (received.ends_with(expected)) return true;
      if (call_.options.pingUdp) received.clear();
    }
    return false;
  }

  const VerbCall& call_;
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

// The port behind the last colon; 0 when there is none.
std::uint16_t portOf(std::string_view address) {
  const std::string_view text = address.substr(std::min(address.rfind(':'), address.size() - 1) + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() ? port : std::uint16_t{0};
}

// The host is never taken from what the server says: it could send us to anybody.
ServerAddress echoAddress(const VerbCall& call) {
  ServerAddress address = call.options.server;
  if (call.options.portNamed) return address;
  const std::string name = call.options.pingUdp ? "echo-udp" : "echo-tcp";
  const ServerInfo info = call.link.persist([&] { return call.link.client().hello(); });
  call.link.drop();
  address.path.clear();  // of a Unix socket: the echo is on this machine, too
  for (const HelloService& service : info.services) {
    if (service.name == name) address.port = portOf(service.address);
    if (service.name == name && address.port != 0) return address;
  }
  throw Failure(ErrorCode::Unsupported, escapeText(call.options.server.text()) + " has no " + name +
                                            " ([echo] of its configuration); -s HOST:PORT names the echo itself");
}

void tell(const VerbCall& call, const ServerAddress& address, const Times& times) {
  const std::string kind = call.options.pingUdp ? "udp" : "tcp";
  if (!call.output.json()) {
    std::string line = escapeText(address.text()) + ": " + kind + ", " + std::to_string(times.sent) + " sent, " +
                       std::to_string(times.ms.size()) + " answered, " + decimal(times.lost()) + " % lost";
    if (!times.ms.empty()) {
      line += ", min/avg/max " + decimal(times.least()) + "/" + decimal(times.average()) + "/" + decimal(times.most()) +
              " ms";
    }
    call.output.report(line);
    return;
  }
  call.output.object("ping", [&](JsonWriter& json) {
    json.key("address");
    json.value(address.text());
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

void pingEcho(const VerbCall& call) {
  if (call.options.pingUdp && call.options.pingTcp) throw UsageError("ping is either --tcp or --udp");
  const ServerAddress address = echoAddress(call);
  EchoPing echo(call, address);
  Times times;
  const std::size_t count = call.options.pingCount.value_or(kUsualCount);
  for (std::size_t number = 1; number <= count; ++number) {
    const auto begin = Clock::now();
    const double time = echo.turn(number);
    ++times.sent;
    if (time >= 0) times.ms.push_back(time);
    const auto pause = std::chrono::ceil<milliseconds>(begin + kInterval - Clock::now());
    if (number < count && pause.count() > 0) call.stop.pause(pause);
  }
  tell(call, address, times);
  if (times.ms.empty()) {
    throw TransportError(TransportError::Kind::Timeout, escapeText(address.text()) + ": no echo came back");
  }
}

}  // namespace ft
