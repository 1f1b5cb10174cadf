#include "server/log/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/escape.h"
#include "common/whole_file.h"

namespace ft {
namespace {

constexpr mode_t kMode = 0600;

UniqueFd openFile(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kMode));
}

bool endsInsideLine(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat info {};
  char last = '\n';
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) return false;
  return ::pread(file.get(), &last, 1, info.st_size - 1) == 1 && last != '\n';
}

bool sameFile(int one, int other) {
  struct stat first {};
  struct stat second {};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
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
  if (endsInsideLine(path_)) rest_ = "\n";
  LogOutput output{[this](std::string_view line) { write(line); }, [] { return std::chrono::system_clock::now(); }};
  ownLog_ = std::make_unique<Log>(LogLevel::Trace, LogFormat::Json, std::move(output));
}

AuditLog::~AuditLog() = default;

// Refusals have a rate of their own: a flood of them must not hide what was done.
void AuditLog::record(const AuditRecord& record) {
  const bool done = record.error.empty();
  if (ownLog_) {
    ownLog_->event(done ? LogLevel::Info : LogLevel::Warn, done ? "done" : "refused", fieldsOf(record));
  } else if (takes(record.level)) {
    log_.event(record.level, done ? record.command : std::string_view("refused"), fieldsOf(record));
  }
}

// What is written stays a sequence of whole lines: of one that was cut, the rest comes first.
void AuditLog::write(std::string_view line) {
  const std::lock_guard lock(fileMutex_);
  const std::string whole = rest_ + std::string(line) + "\n";
  std::string_view left = whole;
  if (const int error = writeMost(file_.get(), left); error != 0) {
    const std::size_t written = whole.size() - left.size();
    rest_ = written <= rest_.size() ? rest_.substr(written) : std::string(left);
    log_.event(LogLevel::Error, "audit-failed", {{"file", path_}, {"reason", errorText(error)}});
  } else {
    rest_.clear();
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
  if (!sameFile(file_.get(), fresh.get())) rest_.clear();
  file_ = std::move(fresh);
}

}  // namespace ft
