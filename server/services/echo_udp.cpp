// Echo over UDP. Not an amplifier: an answer is as large as its question, only so many a second go to one source, and
// public addresses (whose senders may be forged) are not answered unless configured.

#include <Poco/ThreadPool.h>

#include <chrono>
#include <random>

#include "server/limits/source_limiter.h"
#include "server/network/udp_service.h"
#include "server/services/echo_service.h"

namespace ft {
namespace {

constexpr int kThreads = 2;

std::uint64_t randomSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

class EchoUdp : public Service {
 public:
  EchoUdp(const EchoConfig& config, Log& log)
      : anyAddress_(config.anyAddress),
        log_(log),
        limiter_(static_cast<double>(config.udpRate), static_cast<double>(config.udpLoopbackRate), randomSeed()),
        threads_("echo-udp", kThreads, kThreads),
        udp_(config.udp, UdpService::Handler{[this](const SourceAddress& source) { return admit(source); }, talk},
             threads_, UdpService::Limits{.threads = kThreads, .setting = "echo.udp"}) {}

  std::string address() const override { return udp_.address(); }
  void start() override { udp_.start(); }
  void stop(const Patience&) override { udp_.stop(); }

 private:
  bool admit(const SourceAddress& source) {
    if (!anyAddress_ && !source.privateNetwork()) {
      log_.event(LogLevel::Info, "echo-refused", {{"reason", "a public address (echo.any_address)"}});
      return false;
    }
    if (limiter_.take(source, std::chrono::steady_clock::now())) return true;
    log_.event(LogLevel::Info, "echo-refused", {{"reason", "over the rate (echo.udp_rate, echo.udp_loopback_rate)"}});
    return false;
  }

  static std::optional<std::size_t> talk(std::span<std::byte> datagram) {
    upperCase(datagram);
    return datagram.size();
  }

  const bool anyAddress_;
  Log& log_;
  SourceLimiter limiter_;
  Poco::ThreadPool threads_;
  UdpService udp_;
};

}  // namespace

void upperCase(std::span<std::byte> bytes) {
  for (std::byte& byte : bytes) {
    const bool lower = byte >= std::byte{'a'} && byte <= std::byte{'z'};
    byte ^= lower ? std::byte{0x20} : std::byte{0};
  }
}

std::unique_ptr<Service> makeEchoUdp(const EchoConfig& config, Log& log) {
  return std::make_unique<EchoUdp>(config, log);
}

}  // namespace ft
