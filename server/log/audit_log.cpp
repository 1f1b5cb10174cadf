#include "server/log/audit_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/escape.h"
#include "common/ini_file.h"
#include "common/whole_file.h"

namespace ft {
namespace {

constexpr mode_t kMode = 0600;

UniqueFd openFile(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kMode));
}

std::vector<LogField> fieldsOf(const AuditRecord& record) {
  std::vector<LogField> fields;
  const auto add = [&](std::string_view key, std::string_view text) {
    if (!text.empty()) fields.emplace_back(key, text);
  };
  add("peer", record.peer);
  add("user", record.user);
  add("method", record.method);
  fields.emplace_back("command", record.command);
  add("filename", record.name);
  add("to", record.to);
  if (record.error.empty() || record.bytes > 0) fields.emplace_back("bytes", record.bytes);
  if (record.micros >= 0) fields.emplace_back("micros", record.micros);
  add("digest", record.digest);
  fields.emplace_back("outcome", record.error.empty() ? std::string_view("ok") : record.error);
  add("reason", record.reason);
  add("rule", record.rule);
  return fields;
}

}  // namespace

AuditLog::AuditLog(Log& log, const std::string& path) : log_(log), path_(path) {
  if (path_.empty()) return;
  file_ = openFile(path_);
  if (!file_)
    throw ConfigError("cannot open the audit log " + escapeText(path_, 200) + ": " + errorText(errno) +
                      " (audit.file)");
  LogOutput output{[this](std::string_view line) { write(line); }, [] { return std::chrono::system_clock::now(); }};
  ownLog_ = std::make_unique<Log>(LogLevel::Trace, LogFormat::Json, std::move(output));
}

AuditLog::~AuditLog() = default;

// Refusals have a rate of their own: a flood of them must not hide what was done.
void AuditLog::record(const AuditRecord& record) {
  const bool done = record.error.empty();
  if (ownLog_) {
    ownLog_->event(done ? LogLevel::Info : LogLevel::Warn, done ? "done" : "refused", fieldsOf(record));
  } else if (log_.enabled(record.level)) {
    log_.event(record.level, done ? record.command : std::string_view("refused"), fieldsOf(record));
  }
}

void AuditLog::write(std::string_view line) {
  const std::string whole = std::string(line) + "\n";
  const std::lock_guard lock(fileMutex_);
  if (const int error = writeAll(file_.get(), whole); error != 0) {
    log_.event(LogLevel::Error, "audit-failed", {{"file", path_}, {"reason", errorText(error)}});
  }
}

void AuditLog::reopen() {
  if (path_.empty()) return;
  UniqueFd fresh = openFile(path_);
  if (!fresh) {
    log_.event(LogLevel::Error, "audit-failed", {{"file", path_}, {"reason", errorText(errno)}});
    return;
  }
  const std::lock_guard lock(fileMutex_);
  file_ = std::move(fresh);
}

}  // namespace ft
