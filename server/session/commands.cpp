#include "server/session/commands.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/protocol.h"
#include "common/version.h"
#include "server/session/file_handlers.h"
#include "server/session/tree_handlers.h"

namespace ft {
namespace {

Outcome handlePing(const Header& request, CommandContext&) { return okReply(request); }

Outcome handleHello(const Header& request, CommandContext& context) {
  Header reply = okReply(request);
  reply.server = std::string("ftpd ") + std::string(kVersion);
  reply.versions = std::vector<std::uint64_t>{kProtocolVersion};
  reply.digestNames.emplace();
  for (const DigestAlgorithm algorithm : kDigestAlgorithms) reply.digestNames->emplace_back(digestName(algorithm));
  reply.commands.emplace();
  for (const Command& command : commandTable()) {
    if (command.access != Access::Exec || context.commands) reply.commands->emplace_back(command.name);
  }
  reply.sandbox = std::string(context.sandbox);
  reply.limits = HelloLimits{kMaxHeaderSize, static_cast<std::uint64_t>(kMaxChunkSize), kMaxCheckEntries};
  if (context.services != nullptr && !context.services->empty()) reply.services = *context.services;
  if (std::string nonce = context.loginNonce(); !nonce.empty()) reply.nonce = std::move(nonce);
  return reply;
}

Outcome handleLogin(const Header&, CommandContext&) { return LogIn{}; }

Outcome handleExec(const Header&, CommandContext& context) {
  if (!context.commands) throw Failure(ErrorCode::Unsupported, "no commands are configured ([exec])");
  return HandOver{};
}

constexpr std::array kCommands{
    Command{"put", Access::Files, BodyRule::FromClient, handlePut, Verb::Put, LogLevel::Info, PlainForm::Yes},
    Command{"get", Access::Files, BodyRule::None, handleGet, Verb::Get, LogLevel::Info, PlainForm::Yes},
    Command{"offer", Access::Files, BodyRule::None, handleOffer, Verb::Put, LogLevel::Info},
    Command{"segment", Access::Files, BodyRule::FromClient, handleSegment, Verb::Put, LogLevel::Info},
    Command{"list", Access::List, BodyRule::None, handleList, Verb::List},
    Command{"stat", Access::List, BodyRule::None, handleStat, Verb::List},
    Command{"sum", Access::Files, BodyRule::None, handleSum, Verb::Get},
    Command{"check", Access::List, BodyRule::None, handleCheck, Verb::List},
    Command{"mkdir", Access::Files, BodyRule::None, handleMkdir, Verb::Mkdir, LogLevel::Info},
    Command{"remove", Access::Files, BodyRule::None, handleRemove, Verb::Delete, LogLevel::Info},
    Command{"rename", Access::Files, BodyRule::None, handleRename, Verb::Rename, LogLevel::Info},
    Command{"chmod", Access::Files, BodyRule::None, handleChmod, Verb::Overwrite, LogLevel::Info},
    Command{"exec", Access::Exec, BodyRule::None, handleExec},
    Command{"ping", Access::None, BodyRule::None, handlePing},
    Command{"hello", Access::None, BodyRule::None, handleHello},
    Command{"login", Access::None, BodyRule::None, handleLogin},
};

}  // namespace

std::span<const Command> commandTable() { return kCommands; }

const Command* findCommand(std::string_view name) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& c) { return c.name == name; });
  return found == kCommands.end() ? nullptr : &*found;
}

Header okReply(const Header& request) {
  Header reply;
  reply.plain = request.plain;
  reply.id = request.id;
  if (!request.plain) {
    reply.cmd = request.cmd;
    reply.ok = true;
  }
  return reply;
}

Header errorReply(const Header& request, ErrorCode code, const std::string& message) {
  Header reply;
  reply.plain = request.plain;
  reply.id = request.id;
  if (request.plain) {
    reply.filename = request.filename.value_or("");
    reply.filesize = 0;
  } else {
    reply.cmd = request.cmd;
    reply.ok = false;
  }
  reply.error = std::string(errorName(code));
  reply.message = message;
  return reply;
}

}  // namespace ft
