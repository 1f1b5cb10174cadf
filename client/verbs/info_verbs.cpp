#include "client/verbs/info_verbs.h"

#include <chrono>
#include <cstdio>
#include <functional>

#include "client/exit_code.h"
#include "client/failures.h"
#include "client/shell.h"
#include "client/verbs/listing.h"
#include "client/verbs/ping_echo.h"
#include "common/escape.h"
#include "common/protocol.h"

namespace ft {
namespace {

void requireOperands(const Shell& shell) {
  if (shell.options.operands.empty()) throw UsageError(shell.options.verb + " needs a name");
}

// For what makes no sense with the root; an empty name is mostly a variable that was not set.
void requireNames(const Shell& shell) {
  requireOperands(shell);
  for (const std::string& operand : shell.options.operands) {
    if (operand.empty() || operand == "/") throw UsageError(shell.options.verb + " needs a name, not the root");
  }
}

// Runs `action` for each operand; a failure of one does not stop the others.
void forEach(const Shell& shell, const std::function<void(const FileName&)>& action) {
  for (const std::string& operand : shell.options.operands) {
    try {
      action(remoteName(operand));
      shell.output.tally().done();
    } catch (const Failure& failure) {
      if (mayPass(failure)) throw;
      shell.output.failed(operand, problemOf(failure));
    }
  }
}

// A command that changes something: only the connecting is tried again, for once it was sent, nobody knows whether it
// was done.
void change(const Shell& shell, const std::function<void(Client&)>& action) {
  Connection& connection = shell.link.persist([&]() -> Connection& { return shell.link.connection(); });
  Client client(connection);
  action(client);
}

void told(const Shell& shell, std::string_view deed, const FileName& name) {
  if (!shell.output.json()) return;
  shell.output.object("done", [&](JsonWriter& json) {
    json.key("verb");
    json.value(deed);
    json.key("name");
    json.value(name.text());
  });
}

// The new name; where `newName` is a folder ("d/"), that in it.
FileName renameRemote(const Shell& shell, const std::string& oldName, const std::string& newName) {
  const FileName from = remoteName(oldName);
  FileName to = remoteName(newName);
  if (newName.ends_with('/')) to = to.child(from.leaf());
  change(shell, [&](Client& client) { client.rename(from, to, shell.options.transfer.replace); });
  return to;
}

std::string octal(std::uint32_t mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode);
  return text.data();
}

void showStat(const Shell& shell, const FileName& name) {
  const RemoteInfo info = shell.link.persist([&] { return shell.link.client().stat(name); });
  const std::string shown = name.isRoot() ? "/" : escapeText(name.text(), 4 * kMaxNameSize);
  if (shell.output.json()) {
    shell.output.object("stat", [&](JsonWriter& json) { describe(json, name.text(), info); });
    return;
  }
  shell.output.line(shown);
  shell.output.line("  type:     " + std::string(typeText(info.type)));
  shell.output.line("  size:     " + std::to_string(info.size));
  shell.output.line("  modified: " + timeText(info.mtimeNs.value_or(0), true) + " UTC");
  shell.output.line("  mode:     " + octal(info.mode) + " " + modeText(info));
}

void showSum(const Shell& shell, const FileName& name) {
  const DigestAlgorithm algorithm = shell.options.transfer.digest.value_or(DigestAlgorithm::Md5);
  const DigestValue digest = shell.link.persist([&] { return shell.link.client().sum(name, algorithm); });
  if (shell.output.json()) {
    shell.output.object("sum", [&](JsonWriter& json) {
      json.key("name");
      json.value(name.text());
      json.key("digest");
      json.value(digestName(algorithm));
      json.key(digestName(algorithm));
      json.value(digest.hex);
    });
    return;
  }
  shell.output.line(digest.hex + "  " + escapeText(name.text(), 4 * kMaxNameSize));
}

// What the server says of itself; nothing when it does not.
ServerInfo serverInfo(const Shell& shell) {
  try {
    return shell.link.client().hello();
  } catch (const Failure&) {
  } catch (const TransportError&) {
  } catch (const ProtocolError&) {
  }
  return {};
}

// "TLSv1.3, ", or "" where the line is not encrypted.
std::string encryption(const Shell& shell) {
  const LineSecurity* const security = shell.link.connection().security();
  if (security == nullptr) return "";
  if (!shell.options.verbose) return security->protocol + ", ";
  return security->protocol + " " + security->cipher + ", key " + security->peerFingerprint + ", ";
}

}  // namespace

void runLs(const Shell& shell) {
  if (shell.options.operands.empty()) {
    Listing(shell).show(FileName::root());
    return;
  }
  const bool several = shell.options.operands.size() > 1;
  forEach(shell, [&](const FileName& name) { Listing(shell, several).show(name); });
}

void runStat(const Shell& shell) {
  requireOperands(shell);
  forEach(shell, [&](const FileName& name) { showStat(shell, name); });
}

void runSum(const Shell& shell) {
  requireNames(shell);
  forEach(shell, [&](const FileName& name) { showSum(shell, name); });
}

void runMkdir(const Shell& shell) {
  requireNames(shell);
  forEach(shell, [&](const FileName& name) {
    change(shell, [&](Client& client) { client.mkdir(name, shell.options.parents); });
    told(shell, "mkdir", name);
  });
}

void runRm(const Shell& shell) {
  requireNames(shell);
  forEach(shell, [&](const FileName& name) {
    change(shell, [&](Client& client) { client.remove(name, shell.options.recursive); });
    told(shell, "rm", name);
  });
}

void runMv(const Shell& shell) {
  const std::vector<std::string>& operands = shell.options.operands;
  if (operands.size() != 2) throw UsageError("mv needs two names: the old and the new one");
  if (operands[0].empty() || operands[0] == "/" || operands[1].empty()) {
    throw UsageError("mv needs names, not the root");
  }
  try {
    const FileName to = renameRemote(shell, operands[0], operands[1]);
    told(shell, "mv", to);
  } catch (const Failure& failure) {
    if (mayPass(failure)) throw;
    const bool newName = failure.code() == ErrorCode::Exists;
    shell.output.failed(operands[newName ? 1 : 0], problemOf(failure));
  }
}

void runPing(const Shell& shell) {
  if (!shell.options.operands.empty()) throw UsageError("ping takes no name; the server is named by -s");
  if (shell.options.pingTcp || shell.options.pingUdp) {
    pingEcho(shell);
    return;
  }
  if (shell.options.pingCount) throw UsageError("ping -c needs --tcp or --udp");
  using Clock = std::chrono::steady_clock;
  const double milliseconds = shell.link.persist([&] {
    Client client = shell.link.client();
    const auto begin = Clock::now();
    client.ping();
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  });
  const ServerInfo info = serverInfo(shell);
  const std::string& server = info.server;
  std::array<char, 32> time{};
  std::snprintf(time.data(), time.size(), "%.2f", milliseconds);
  const std::string address = escapeText(shell.options.server.text());
  if (shell.output.json()) {
    shell.output.object("ping", [&](JsonWriter& json) {
      json.key("address");
      json.value(shell.options.server.text());
      json.key("ok");
      json.value(true);
      json.key("server");
      json.value(server);
      json.key("sandbox");
      json.value(info.sandbox);
      json.key("ms");
      json.raw(time.data());
      const LineSecurity* const security = shell.link.connection().security();
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
  shell.output.report(address + ": ok, " + (server.empty() ? "" : server + ", ") + encryption(shell) + time.data() +
                      " ms");
  if (shell.options.verbose && !info.sandbox.empty()) shell.output.report("  sandbox: " + info.sandbox);
}

}  // namespace ft
