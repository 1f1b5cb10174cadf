#pragma once
// How a daemon is found on its local network: DNS-SD over multicast DNS (RFC 6763, 6762), service _ftpc._tcp. Where an
// Avahi daemon runs, it is asked to tell; else the daemon answers by itself.

#include <memory>
#include <span>
#include <string>

#include "server/config/services_config.h"
#include "server/log/log.h"
#include "server/services/discovery_answers.h"
#include "server/services/service.h"

namespace ft {

// One way of telling. One thread owns it.
class DiscoveryPublisher {
 public:
  virtual ~DiscoveryPublisher() = default;
  virtual void start() = 0;
  // Takes back what was told. Once only; also without start().
  virtual void stop() = 0;
};

// Answers questions on the interface of that name (empty: on all that are up and can multicast), on a thread of its
// own. Throws ConfigError when the port cannot be had or there is no such interface. `log` must outlive it.
std::unique_ptr<DiscoveryPublisher> makeMdnsResponder(DiscoveryFacts facts, std::string interface, Log& log);

// Null where no Avahi daemon is reached. `log` must outlive it.
std::unique_ptr<DiscoveryPublisher> makeAvahiPublisher(const DiscoveryFacts& facts, const std::string& interface,
                                                       Log& log);

// What there is to tell of a daemon that listens on these addresses: of loopback only where the interface is loopback.
// Port 0: nothing.
// `fingerprint`: of its certificate; empty without TLS. `host`: this machine's name.
DiscoveryFacts discoveryFacts(const DiscoveryConfig& config, std::span<const std::string> listeners,
                              const std::string& fingerprint, const std::string& host);

// Null when it is off, or when there is nothing to tell. Throws ConfigError.
std::unique_ptr<Service> makeDiscovery(const DiscoveryConfig& config, std::span<const std::string> listeners,
                                       const std::string& fingerprint, Log& log);

}  // namespace ft
