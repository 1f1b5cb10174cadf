#include "server/session/session.h"
#include "server/session/session_state.h"

namespace ft {

void Session::record(const Header& request, const Deed& deed) {
  if (context_.audit == nullptr) return;
  const std::string peer = origin_.name();
  AuditRecord record;
  record.peer = peer;
  const Identity& who = visitor_.identity();
  if (who.kind != Identity::Kind::Local) {
    record.user = who.user;
    record.method = who.method;
  }
  record.command = request.cmd;
  if (request.filename) record.name = *request.filename;
  if (request.to) record.to = *request.to;
  record.bytes = deed.bytes;
  record.digest = deed.digest;
  record.level = deed.level;
  if (deed.begun) {
    record.micros = std::chrono::duration_cast<std::chrono::microseconds>(context_.now() - *deed.begun).count();
  }
  if (deed.failure != nullptr) {
    record.error = errorName(deed.failure->code());
    record.reason = deed.failure->what();
  }
  context_.audit->record(record);
}

void Session::recordGet(const Failure* failure) {
  const Sending& sent = *busy_->sending;
  Header request;
  request.cmd = "get";
  request.filename = sent.name;
  record(request, {sent.body.sent(), digestText(sent.body.digest()), sent.begun, failure});
}

}  // namespace ft
