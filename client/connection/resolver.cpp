#include "client/connection/resolver.h"

#include <netdb.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <string>

#include "client/connection/findings.h"
#include "client/connection/mdns_query.h"
#include "common/error.h"
#include "common/escape.h"

namespace ft {
namespace {

using std::chrono::milliseconds;

// A neighbour answers within a few milliseconds; the question may be lost, so it is asked again.
constexpr milliseconds kRound{350};
constexpr int kRounds = 3;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

int askSystem(const ServerAddress& server, int flags, std::vector<Endpoint>& found) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &list);
  if (error != 0) return error;
  const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    if (one->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Endpoint& endpoint = found.emplace_back();
    std::memcpy(&endpoint.address, one->ai_addr, one->ai_addrlen);
    endpoint.size = one->ai_addrlen;
  }
  return 0;
}

std::vector<Endpoint> askNeighbours(const ServerAddress& server, const StopRequest& stop) {
  const DnsName name = DnsName::of(server.host);
  MdnsQuery query(stop);
  Findings findings;
  const auto take = [&](const DnsMessage& answer, unsigned interface) {
    findings.add(answer, interface);
    return !findings.addressesOf(name).empty();
  };
  for (int round = 0; round < kRounds; ++round) {
    query.ask({{name, DnsType::A, false}, {name, DnsType::Aaaa, false}});
    if (query.collect(MdnsQuery::Clock::now() + kRound, take)) break;
  }
  std::vector<Endpoint> endpoints;
  for (const FoundAddress& address : findings.addressesOf(name)) {
    const socklen_t size = address.v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    endpoints.push_back({address.withPort(server.port), size});
  }
  return endpoints;
}

}  // namespace

bool isLocalName(std::string_view host) {
  const DnsName name = DnsName::of(host);
  return name.labels.size() == 2 && !name.labels[0].empty() && name.isBelow(DnsName::of("local"));
}

std::vector<Endpoint> resolve(const ServerAddress& server, const StopRequest& stop) {
  std::vector<Endpoint> found;
  int error = askSystem(server, AI_NUMERICHOST, found);
  if (error == EAI_NONAME) {
    const DefaultSignals signals;
    error = askSystem(server, AI_ADDRCONFIG, found);
  }
  if (found.empty() && isLocalName(server.host)) found = askNeighbours(server, stop);
  if (!found.empty()) return found;
  const std::string reason = error != 0 ? ::gai_strerror(error) : "it has no address";
  throw TransportError(TransportError::Kind::Unreachable, "no daemon at " + escapeText(server.text()) + ": " + reason);
}

}  // namespace ft
