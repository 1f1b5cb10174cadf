#include "client/verbs/ping_verb.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "client/failures.h"
#include "client/verbs/ping_echo.h"
#include "client/verbs/verb.h"
#include "common/escape.h"

namespace ft {
namespace {

// What the server says of itself; nothing when it does not.
ServerInfo serverInfo(const VerbCall& call) {
  try {
    return call.link.client().hello();
  } catch (const Failure&) {
  } catch (const TransportError&) {
  } catch (const ProtocolError&) {
  }
  return {};
}

// "TLSv1.3, ", or "" where the line is not encrypted.
std::string encryption(const VerbCall& call) {
  const LineSecurity* const security = call.link.connection().security();
  if (security == nullptr) return "";
  if (!call.options.verbose) return security->protocol + ", ";
  return security->protocol + " " + security->cipher + ", key " + security->peerFingerprint + ", ";
}

}  // namespace

void runPing(const VerbCall& call) {
  if (!call.options.operands.empty()) throw UsageError("ping takes no name; the server is named by -s");
  if (call.options.pingTcp || call.options.pingUdp) {
    pingEcho(call);
    return;
  }
  if (call.options.pingCount) throw UsageError("ping -c needs --tcp or --udp");
  using Clock = std::chrono::steady_clock;
  const double milliseconds = call.link.persist([&] {
    Client client = call.link.client();
    const auto begin = Clock::now();
    client.ping();
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  });
  const ServerInfo info = serverInfo(call);
  const std::string& server = info.server;
  std::array<char, 32> time{};
  std::snprintf(time.data(), time.size(), "%.2f", milliseconds);
  const std::string address = escapeText(call.options.server.text());
  if (call.output.json()) {
    call.output.object("ping", [&](JsonWriter& json) {
      json.key("address");
      json.value(call.options.server.text());
      json.key("ok");
      json.value(true);
      json.key("server");
      json.value(server);
      json.key("sandbox");
      json.value(info.sandbox);
      json.key("ms");
      json.raw(time.data());
      const LineSecurity* const security = call.link.connection().security();
      if (security == nullptr) return;
      json.key("tls");
      json.value(security->protocol);
      json.key("cipher");
      json.value(security->cipher);
      json.key("fingerprint");
      json.value(security->peerFingerprint);
    });
    return;
  }
  call.output.report(address + ": ok, " + (server.empty() ? "" : server + ", ") + encryption(call) + time.data() +
                     " ms");
  if (call.options.verbose && !info.sandbox.empty()) call.output.report("  sandbox: " + info.sandbox);
}

}  // namespace ft
