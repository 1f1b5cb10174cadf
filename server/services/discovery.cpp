#include "server/services/discovery.h"

#include <limits.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "server/config/config.h"

namespace ft {
namespace {

struct Listener {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};

Listener listenerOf(const std::string& address) {
  Listener listener;
  const std::size_t colon = address.rfind(':');
  listener.host = address.substr(0, colon);
  if (listener.host.starts_with('[')) listener.host = listener.host.substr(1, listener.host.size() - 2);
  std::from_chars(address.data() + colon + 1, address.data() + address.size(), listener.port);
  return listener;
}

bool isLoopbackInterface(const std::string& name) {
  const std::vector<NetworkInterface> all = networkInterfaces();
  return std::any_of(all.begin(), all.end(),
                     [&](const NetworkInterface& one) { return one.name == name && one.loopback; });
}

// Letters, digits and '-' of the name up to its first dot (RFC 952).
std::string hostLabel(const std::string& host) {
  std::string label;
  for (const char c : host.substr(0, host.find('.'))) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (good && label.size() < kMaxDnsLabel) label += c;
  }
  return label.empty() ? "ftpd" : label;
}

class Discovery : public Service {
 public:
  explicit Discovery(std::unique_ptr<DiscoveryPublisher> publisher) : publisher_(std::move(publisher)) {}
  // It has no address of its own that a client could use.
  std::string address() const override { return ""; }
  void start() override { publisher_->start(); }
  void stop(const Patience&) override { publisher_->stop(); }

 private:
  std::unique_ptr<DiscoveryPublisher> publisher_;
};

}  // namespace

DiscoveryFacts discoveryFacts(const DiscoveryConfig& config, std::span<const std::string> listeners,
                              const std::string& fingerprint, const std::string& host) {
  DiscoveryFacts facts;
  facts.host = hostLabel(host);
  facts.name = config.name.empty() ? facts.host : config.name;
  facts.texts = {"v=1", fingerprint.empty() ? "tls=no" : "tls=yes"};
  if (!fingerprint.empty()) facts.texts.push_back("fp=" + fingerprint);
  const bool loopbackToo = isLoopbackInterface(config.interface);
  bool all = false;
  for (const std::string& address : listeners) {
    if (isLoopbackAddress(address) && !loopbackToo) continue;
    const Listener listener = listenerOf(address);
    if (listener.port == 0) continue;  // not of the network
    // An instance has one port; the first counts.
    if (facts.port == 0) facts.port = listener.port;
    if (listener.port != facts.port) continue;
    const bool v6 = listener.host.find(':') != std::string::npos;
    all = all || listener.host == "0.0.0.0" || listener.host == "::";
    facts.v6 = facts.v6 || v6;
    facts.v4 = facts.v4 || !v6 || listener.host == "::";
    facts.only.push_back(listener.host);
  }
  if (all) facts.only.clear();
  return facts;
}

std::unique_ptr<Service> makeDiscovery(const DiscoveryConfig& config, std::span<const std::string> listeners,
                                       const std::string& fingerprint, Log& log) {
  if (!config.enabled) return nullptr;
  if (!config.interface.empty() && ::if_nametoindex(config.interface.c_str()) == 0) {
    throw ConfigError("discovery.interface: there is no interface '" + escapeText(config.interface, 80) + "'");
  }
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  DiscoveryFacts facts = discoveryFacts(config, listeners, fingerprint, host.data());
  if (facts.port == 0) {
    log.event(LogLevel::Warn, "discovery-off",
              {{"reason", "the daemon listens on loopback only, where no other machine can reach it"}});
    return nullptr;
  }
  // Avahi leaves loopback alone.
  std::unique_ptr<DiscoveryPublisher> publisher;
  if (!isLoopbackInterface(config.interface)) publisher = makeAvahiPublisher(facts, config.interface, log);
  if (!publisher) publisher = makeMdnsResponder(std::move(facts), config.interface, log);
  return std::make_unique<Discovery>(std::move(publisher));
}

}  // namespace ft
