#include "client/connection/reply.h"

#include "common/escape.h"

namespace ft {
namespace {

constexpr std::size_t kMessageLimit = 300;

}  // namespace

Header makeRequest(std::string_view cmd, const FileName& name) {
  Header request;
  request.cmd = cmd;
  if (!name.isRoot()) request.filename = name.text();
  return request;
}

ServerFailure failureFromReply(const Header& reply) {
  const std::string text = escapeText(reply.message.value_or(""), kMessageLimit);
  const auto code = errorFromName(reply.error.value_or(""));
  if (code) return {*code, text.empty() ? std::string(errorName(*code)) : text};
  return {ErrorCode::Internal,
          "error '" + escapeText(reply.error.value_or(""), 64) + "' " + (text.empty() ? "" : "(" + text + ")")};
}

void requireOk(const Header& reply) {
  if (reply.ok == true) return;
  if (reply.ok == false || reply.error) throw failureFromReply(reply);
  throw ProtocolError("a reply does not say whether it is ok");
}

void requireCommand(const Header& reply, std::string_view cmd) {
  if (!reply.cmd.empty() && reply.cmd != cmd) {
    throw ProtocolError("a reply to '" + escapeText(reply.cmd, 64) + "' came where one to '" + std::string(cmd) +
                        "' was due");
  }
  if (reply.ok != true) return;
  if (reply.plain) throw ProtocolError("a reply is not of version 1");
  if (reply.id) throw ProtocolError("a reply has an id, and the request had none");
}

void requireAnswer(const Header& reply, std::string_view cmd, const FileName& name) {
  requireOk(reply);
  requireCommand(reply, cmd);
  if (!reply.filename || *reply.filename == name.text()) return;
  throw ProtocolError("a reply is about '" + escapeText(*reply.filename, kMessageLimit) + "' where one about '" +
                      escapeText(name.text(), kMessageLimit) + "' was due");
}

}  // namespace ft
