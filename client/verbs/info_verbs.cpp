#include "client/verbs/info_verbs.h"

#include <array>
#include <cstdio>
#include <functional>

#include "client/exit_code.h"
#include "client/failures.h"
#include "client/verbs/listing.h"
#include "client/verbs/operands.h"
#include "client/verbs/verb.h"
#include "common/escape.h"
#include "common/protocol.h"

namespace ft {
namespace {

// For what makes no sense with the root; an empty name is mostly a variable that was not set.
void requireNames(const VerbCall& call) {
  requireOperands(call.options);
  for (const std::string& operand : call.options.operands) {
    if (operand.empty() || operand == "/") throw UsageError(call.options.verb + " needs a name, not the root");
  }
}

// Runs `action` for each operand; a failure of one does not stop the others.
void forEach(const VerbCall& call, const std::function<void(const FileName&)>& action) {
  for (const std::string& operand : call.options.operands) {
    try {
      action(remoteName(operand));
      call.output.tally().done();
    } catch (const Failure& failure) {
      if (mayPass(failure)) throw;
      call.output.failed(operand, problemOf(failure));
    }
  }
}

// A command that changes something.
void change(const VerbCall& call, const std::function<void(Client&)>& action) {
  Client client(call.link.connect());
  action(client);
}

void told(const VerbCall& call, std::string_view deed, const FileName& name) {
  if (!call.output.json()) return;
  call.output.object("done", [&](JsonWriter& json) {
    json.key("verb");
    json.value(deed);
    json.key("name");
    json.value(name.text());
  });
}

// The new name; where `newName` is a folder ("d/"), that in it.
FileName renameRemote(const VerbCall& call, const std::string& oldName, const std::string& newName) {
  const FileName from = remoteName(oldName);
  FileName to = remoteName(newName);
  if (newName.ends_with('/')) to = to.child(from.leaf());
  change(call, [&](Client& client) { client.rename(from, to, call.options.transfer.replace); });
  return to;
}

std::string octal(std::uint32_t mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode);
  return text.data();
}

void showStat(const VerbCall& call, const FileName& name) {
  const RemoteInfo info = call.link.persist([&] { return call.link.client().stat(name); });
  const std::string shown = name.isRoot() ? "/" : escapeText(name.text(), 4 * kMaxNameSize);
  if (call.output.json()) {
    call.output.object("stat", [&](JsonWriter& json) { describe(json, name.text(), info); });
    return;
  }
  call.output.line(shown);
  call.output.line("  type:     " + std::string(typeText(info.type)));
  call.output.line("  size:     " + std::to_string(info.size));
  call.output.line("  modified: " + timeText(info.mtimeNs.value_or(0), true) + " UTC");
  call.output.line("  mode:     " + octal(info.mode) + " " + modeText(info));
}

void showSum(const VerbCall& call, const FileName& name) {
  const DigestAlgorithm algorithm = call.options.transfer.digest.value_or(DigestAlgorithm::Md5);
  const DigestValue digest = call.link.persist([&] { return call.link.client().sum(name, algorithm); });
  if (call.output.json()) {
    call.output.object("sum", [&](JsonWriter& json) {
      json.key("name");
      json.value(name.text());
      json.key("digest");
      json.value(digestName(algorithm));
      json.key(digestName(algorithm));
      json.value(digest.hex);
    });
    return;
  }
  call.output.line(digest.hex + "  " + escapeText(name.text(), 4 * kMaxNameSize));
}

}  // namespace

void runLs(const VerbCall& call) {
  if (call.options.operands.empty()) {
    Listing(call).show(FileName::root());
    return;
  }
  const bool several = call.options.operands.size() > 1;
  forEach(call, [&](const FileName& name) { Listing(call, several).show(name); });
}

void runStat(const VerbCall& call) {
  requireOperands(call.options);
  forEach(call, [&](const FileName& name) { showStat(call, name); });
}

void runSum(const VerbCall& call) {
  requireNames(call);
  forEach(call, [&](const FileName& name) { showSum(call, name); });
}

void runMkdir(const VerbCall& call) {
  requireNames(call);
  forEach(call, [&](const FileName& name) {
    change(call, [&](Client& client) { client.mkdir(name, call.options.parents); });
    told(call, "mkdir", name);
  });
}

void runRm(const VerbCall& call) {
  requireNames(call);
  forEach(call, [&](const FileName& name) {
    change(call, [&](Client& client) { client.remove(name, call.options.recursive); });
    told(call, "rm", name);
  });
}

void runMv(const VerbCall& call) {
  const std::vector<std::string>& operands = call.options.operands;
  if (operands.size() != 2) throw UsageError("mv needs two names: the old and the new one");
  if (operands[0].empty() || operands[0] == "/" || operands[1].empty()) {
    throw UsageError("mv needs names, not the root");
  }
  try {
    const FileName to = renameRemote(call, operands[0], operands[1]);
    told(call, "mv", to);
  } catch (const Failure& failure) {
    if (mayPass(failure)) throw;
    const bool newName = failure.code() == ErrorCode::Exists;
    call.output.failed(operands[newName ? 1 : 0], problemOf(failure));
  }
}

}  // namespace ft
