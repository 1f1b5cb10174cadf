// What a session tells the audit log.

#include <string>

#include "server/session/session.h"
#include "server/session/session_state.h"

namespace ft {
namespace {

// The names of a request: one, or the first of those that it has below a folder.
std::string namesOf(const Header& request) {
  constexpr std::size_t kMost = 1000;  // bytes
  std::string text = request.filename.value_or("");
  if (!request.names) return text;
  std::size_t told = 0;
  for (const std::string& name : *request.names) {
    if (told > 0 && text.size() + name.size() > kMost) break;
    text += (told == 0 ? ": " : ", ") + name;
    ++told;
  }
  if (told < request.names->size()) text += " and " + std::to_string(request.names->size() - told) + " more";
  return text;
}

}  // namespace

void Session::record(const Header& request, const Deed& deed) {
  if (context_.audit == nullptr || !context_.audit->takes(deed.level)) return;
  const std::string peer = origin_.name();
  const std::string names = namesOf(request);
  AuditRecord record;
  record.peer = peer;
  const Identity& who = visitor_.identity();
  if (who.kind != Identity::Kind::Local) {
    record.user = who.user;
    record.method = who.method;
  }
  // Who tried to log in is not there yet.
  if (record.user.empty() && request.cmd == "login" && request.user) record.user = *request.user;
  record.command = request.cmd;
  record.name = names;
  if (request.to) record.to = *request.to;
  record.bytes = deed.bytes;
  record.digest = deed.digest;
  record.level = deed.level;
  if (deed.begun) {
    record.micros = std::chrono::duration_cast<std::chrono::microseconds>(context_.now() - *deed.begun).count();
  }
  std::string rule;
  if (deed.failure != nullptr) {
    record.error = errorName(deed.failure->code());
    record.reason = deed.failure->what();
    record.rule = deed.failure->rule();
  } else {
    rule = visitor_.ruleFor(request);
    record.rule = rule;
  }
  if (!deed.cut.empty()) {
    record.error = "cut";
    record.reason = deed.cut;
  }
  context_.audit->record(record);
}

void Session::recordGet(const Failure* failure, std::string_view cut) {
  const Sending& sent = *busy_->sending;
  Header request;
  request.cmd = "get";
  request.filename = sent.name;
  record(request, {sent.body.sent(), digestText(sent.body.digest()), sent.begun, failure, cut});
}

void Session::recordCut(std::string_view reason) {
  if (busy_->sending) recordGet(nullptr, reason);
  if (busy_->receiving && busy_->receiving->upload) {
    const Receiving& put = *busy_->receiving;
    record(put.request, {.bytes = put.body.received(), .begun = put.begun, .cut = reason});
  }
}

}  // namespace ft
