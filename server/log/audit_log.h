#pragma once
// What was decided for whom: one line for each request that was done or refused, as JSON in a file of its own ([audit]
// file), else as an event of the log. Every value is escaped; what a flood has too much is counted, and the count is
// told. Any thread may call.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "common/unique_fd.h"
#include "server/log/log.h"

namespace ft {

// Views live no longer than the call. Empty texts are left out.
struct AuditRecord {
  std::string_view peer;     // PeerInfo::name
  std::string_view user;     // who it is, and how that is known; empty on this machine without log-in
  std::string_view method;   //
  std::string_view command;  // of the protocol; "connect" for a connection
  std::string_view name;     // the file, as the user sees it
  std::string_view to;       // of a rename
  std::string_view digest;
  std::string_view error;   // of a refusal: the protocol's code; "cut" for a transfer that was; empty: done
  std::string_view reason;  // of a refusal, or of a cut: in words
  std::string_view rule;    // what allowed or denied it, with its setting; empty where no rule was asked
  std::uint64_t bytes = 0;
  std::int64_t micros = -1;  // -1: not measured
  LogLevel level = LogLevel::Info;
};

class AuditLog {
 public:
  // Writes to `path`, made with mode 0600; to `log` when it is empty. What is there of a cut line stays a line of its
  // own. Throws ConfigError when the file cannot be had.
  AuditLog(Log& log, const std::string& path);
  ~AuditLog();

  // Is a record of that level written anywhere? Else it need not be made.
  bool takes(LogLevel level) const { return ownLog_ != nullptr || log_.enabled(level); }
  void record(const AuditRecord& record);
  // After the file was renamed by who keeps the logs: opens it anew. What cannot be opened is logged, and the old one
  // is kept.
  void reopen();

 private:
  void write(std::string_view line);

  Log& log_;
  const std::string path_;
  std::mutex fileMutex_;
  UniqueFd file_;                // under fileMutex_
  std::string rest_;             // of a line that a full disk has cut; under fileMutex_
  std::unique_ptr<Log> ownLog_;  // null: log_ is written to
};

}  // namespace ft
