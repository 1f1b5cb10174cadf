// The daemon's own answer by multicast DNS (RFC 6762). Small, and no amplifier: it answers neighbours only, multicasts
// at most about once a second on each interface, and what goes to one asker is limited for each source.

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "server/limits/source_limiter.h"
#include "server/services/discovery.h"
#include "server/services/mdns_socket.h"

namespace ft {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Answers to one asker that is no responder itself, a second.
constexpr double kUnicastRate = 10;
constexpr double kUnicastLoopbackRate = 1000;
// RFC 6762 6: the same is not multicast again sooner; who asks whether a name is taken is answered sooner.
constexpr milliseconds kGap{1000};
constexpr milliseconds kProbeGap{250};
// RFC 6762 6: others may answer too, and not all at the same time.
constexpr int kLeastDelayMs = 20;
constexpr int kMostDelayMs = 120;
// RFC 6762 8.1 and 8.3.
constexpr int kProbes = 3;
constexpr milliseconds kProbeInterval{250};
constexpr int kAnnouncements = 2;
constexpr milliseconds kAnnounceInterval{1000};
constexpr int kMostNames = 100;
// How often interfaces that came, went or changed are looked for.
constexpr milliseconds kRefreshInterval{10'000};
// Datagrams that are read before the clock is looked at again.
constexpr int kBatch = 64;

// One family on one interface.
struct Way {
  MdnsSocket* socket = nullptr;
  unsigned due = kNoRecords;  // to be multicast at `when`
  Clock::time_point when{};
  Clock::time_point last{};  // when it was done before
};

class MdnsResponder : public DiscoveryPublisher {
 public:
  MdnsResponder(DiscoveryFacts facts, std::string interface, Log& log)
      : port_(facts.port),
        answers_(std::move(facts)),
        only_(std::move(interface)),
        log_(log),
        limiter_(kUnicastRate, kUnicastLoopbackRate, std::random_device()()),
        random_(std::random_device()()),
        stopEvent_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        buffer_(kMaxDnsMessage) {
    refresh();
  }
  ~MdnsResponder() override { stop(); }

  void start() override {
    thread_ = std::thread([this] { run(); });
  }
  void stop() override {
    if (!thread_.joinable()) return;
    ::eventfd_write(stopEvent_.get(), 1);
    thread_.join();
  }

 private:
  void run() {
    next_ = Clock::now();
    std::array<pollfd, 3> entries{pollfd{stopEvent_.get(), POLLIN, 0}, pollfd{v4_.fd(), POLLIN, 0},
                                  pollfd{v6_.fd(), POLLIN, 0}};
    while ((entries[0].revents & POLLIN) == 0) {
      for (MdnsSocket* const socket : {&v4_, &v6_}) readFrom(*socket);
      if (Clock::now() >= refreshed_ + kRefreshInterval) refresh();
      step();
      sendDue();
      ::poll(entries.data(), entries.size(), waitMillis());
    }
    if (step_ >= kProbes) {
      for (const auto& [key, way] : ways_)
        multicast(way, answers_.answer(kAllRecords, interfaces_[key.first], /*gone=*/true), key.first);
    }
  }

  int waitMillis() const {
    Clock::time_point end = refreshed_ + kRefreshInterval;
    if (step_ < kProbes + kAnnouncements) end = std::min(end, next_);
    for (const auto& [key, way] : ways_) {
      if (way.due != kNoRecords) end = std::min(end, way.when);
    }
    return static_cast<int>(std::max<std::int64_t>(0, std::chrono::ceil<milliseconds>(end - Clock::now()).count()));
  }

  void refresh() {
    refreshed_ = Clock::now();
    std::map<unsigned, NetworkInterface> found;
    std::set<unsigned> indexes;
    std::vector<NetworkInterface> all = networkInterfaces();
    if (all.empty()) return;  // the system does not tell just now
    for (NetworkInterface& one : all) {
      const bool wanted = only_.empty() ? one.multicast && !one.loopback : one.name == only_;
      if (!wanted) continue;
      indexes.insert(one.index);
      found.emplace(one.index, std::move(one));
    }
    interfaces_ = std::move(found);
    for (MdnsSocket* const socket : {&v4_, &v6_}) {
      socket->keepOnly(indexes);
      for (const auto& [index, interface] : interfaces_) {
        if (!socket->join(interface)) continue;
        const bool fresh = ways_.try_emplace({index, socket->family()}, Way{socket}).second;
        if (fresh && step_ >= kProbes) schedule({index, socket->family()}, kAllRecords, kGap);
      }
    }
    std::erase_if(ways_, [&](const auto& way) {
      return !interfaces_.contains(way.first.first) || !way.second.socket->joined(way.first.first);
    });
  }

  // First the question whether the name is free, then the news that there is something.
  void step() {
    if (step_ >= kProbes + kAnnouncements || Clock::now() < next_) return;
    if (step_ < kProbes) {
      for (const auto& [key, way] : ways_) multicast(way, answers_.probe(), key.first);
      next_ = Clock::now() + kProbeInterval;
    } else {
      for (const auto& [key, way] : ways_)
        multicast(way, answers_.answer(kAllRecords, interfaces_[key.first]), key.first);
      next_ = Clock::now() + kAnnounceInterval;
    }
    if (++step_ == kProbes + 1) {
      log_.event(LogLevel::Info, "discovery", {{"by", "ftpd itself"}, {"name", answers_.name()}, {"port", port_}});
    }
  }

  void readFrom(MdnsSocket& socket) {
    for (int i = 0; i < kBatch; ++i) {
      const auto arrival = socket.receive(buffer_);
      if (!arrival) return;
      const auto interface = interfaces_.find(arrival->interface);
      // Not a neighbour's: it may be forged, and its answer would go to somebody else.
      if (interface == interfaces_.end() || !interface->second.reaches(arrival->source)) continue;
      const auto message = parseDnsMessage(std::span(buffer_).first(arrival->size));
      if (!message) continue;
      if (!message->response) {
        if (step_ > kProbes) question(socket, *arrival, *message, interface->second);
      } else if (step_ <= kProbes && answers_.taken(*message)) {
        takeNextName();
      }
    }
  }

  void takeNextName() {
    if (++renamed_ > kMostNames) return;
    answers_.takeNextName();
    step_ = 0;
    next_ = Clock::now();
  }

  void question(MdnsSocket& socket, const MdnsSocket::Arrival& arrival, const DnsMessage& message,
                const NetworkInterface& interface) {
    const unsigned sets = answers_.wanted(message);
    if (sets == kNoRecords) return;
    const SourceAddress source = SourceAddress::of(arrival.source);
    if (source.port == kMdnsPort) {
      const bool probe = std::any_of(message.questions.begin(), message.questions.end(),
                                     [](const DnsQuestion& one) { return one.type == DnsType::Any; });
      schedule({arrival.interface, socket.family()}, sets, probe ? kProbeGap : kGap);
      return;
    }
    if (!limiter_.take(source, Clock::now())) return;
    if (const auto bytes = writeDnsMessage(answers_.answerTo(message, sets, interface))) socket.reply(*bytes, arrival);
  }

  void schedule(std::pair<unsigned, int> key, unsigned sets, milliseconds gap) {
    const auto found = ways_.find(key);
    if (found == ways_.end()) return;
    Way& way = found->second;
    const milliseconds delay(std::uniform_int_distribution<int>(kLeastDelayMs, kMostDelayMs)(random_));
    const Clock::time_point when = std::max(Clock::now() + delay, way.last + gap);
    way.when = way.due == kNoRecords ? when : std::min(when, way.when);
    way.due |= sets;
  }

  void sendDue() {
    for (auto& [key, way] : ways_) {
      if (way.due == kNoRecords || Clock::now() < way.when) continue;
      multicast(way, answers_.answer(std::exchange(way.due, kNoRecords), interfaces_[key.first]), key.first);
      way.last = Clock::now();
    }
  }

  void multicast(const Way& way, const DnsMessage& message, unsigned interface) {
    if (const auto bytes = writeDnsMessage(message)) way.socket->multicast(*bytes, interfaces_[interface]);
  }

  const std::uint16_t port_;
  DiscoveryAnswers answers_;
  const std::string only_;
  Log& log_;
  SourceLimiter limiter_;
  std::minstd_rand random_;
  UniqueFd stopEvent_;
  MdnsSocket v4_{AF_INET};
  MdnsSocket v6_{AF_INET6};
  std::vector<std::byte> buffer_;
  // The thread's own from start() on.
  std::map<unsigned, NetworkInterface> interfaces_;
  std::map<std::pair<unsigned, int>, Way> ways_;  // by interface and family
  int step_ = 0;                                  // of the probes and announcements that are sent
  int renamed_ = 0;
  Clock::time_point next_{};
  Clock::time_point refreshed_{};
  std::thread thread_;
};

}  // namespace

std::unique_ptr<DiscoveryPublisher> makeMdnsResponder(DiscoveryFacts facts, std::string interface, Log& log) {
  return std::make_unique<MdnsResponder>(std::move(facts), std::move(interface), log);
}

}  // namespace ft
