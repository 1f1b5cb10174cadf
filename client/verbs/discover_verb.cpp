#include "client/verbs/discover_verb.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "client/connection/findings.h"
#include "client/connection/mdns_query.h"
#include "client/failures.h"
#include "client/verbs/verb.h"
#include "common/escape.h"

namespace ft {
namespace {

using Clock = MdnsQuery::Clock;
using std::chrono::milliseconds;

// A question or an answer may be lost, so it is asked again.
constexpr milliseconds kRound{300};
constexpr std::size_t kShown = 200;

std::vector<FoundDaemon> findDaemons(const VerbCall& call) {
  const Clock::time_point end = Clock::now() + call.options.discoverWait;
  MdnsQuery query(call.stop);
  Findings findings;
  const auto take = [&](const DnsMessage& answer, unsigned interface) {
    findings.add(answer, interface);
    return false;
  };
  while (Clock::now() < end) {
    std::vector<DnsQuestion> questions = findings.missing();
    questions.push_back({DnsName::of("_ftpc._tcp.local"), DnsType::Ptr, false});
    query.ask(questions);
    query.collect(std::min(end, Clock::now() + kRound), take);
  }
  return findings.daemons();
}

// As -s takes it.
std::string serverText(const FoundAddress& address, std::uint16_t port) {
  return ServerAddress{address.text(), port}.text();
}

void show(const VerbCall& call, const FoundDaemon& daemon) {
  const std::string address = serverText(daemon.addresses.front(), daemon.port);
  if (!call.output.json()) {
    const std::string fingerprint = daemon.fingerprint.empty() ? "-" : escapeText(daemon.fingerprint, kShown);
    call.output.line(escapeText(daemon.name, kShown) + "\t" + address + "\t" + fingerprint);
    return;
  }
  call.output.object("daemon", [&](JsonWriter& json) {
    json.key("name");
    json.value(daemon.name);
    json.key("host");
    json.value(daemon.host);
    json.key("address");
    json.value(address);
    json.key("addresses");
    json.beginArray();
    for (const FoundAddress& one : daemon.addresses) json.value(serverText(one, daemon.port));
    json.endArray();
    json.key("tls");
    json.value(daemon.tls);
    if (daemon.fingerprint.empty()) return;
    json.key("fingerprint");
    json.value(daemon.fingerprint);
  });
}

}  // namespace

void runDiscover(const VerbCall& call) {
  if (!call.options.operands.empty()) throw UsageError("discover takes no name");
  const std::vector<FoundDaemon> daemons = findDaemons(call);
  for (const FoundDaemon& daemon : daemons) show(call, daemon);
  if (daemons.empty()) {
    throw Failure(ErrorCode::NotFound,
                  "no daemon announces itself on the local network ([discovery] enabled = yes makes ftpd do so)");
  }
}

}  // namespace ft
