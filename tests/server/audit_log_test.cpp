#include "server/log/audit_log.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/file_size_limit.h"
#include "tests/support/temp_folder.h"

using namespace ft;

namespace {

class Audit {
 public:
  AuditLog open() { return {log_, path_}; }
  static void record(AuditLog& audit, std::string_view name) {
    AuditRecord record;
    record.command = "put";
    record.name = name;
    audit.record(record);
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }
  std::uintmax_t size() const { return std::filesystem::file_size(path_); }
  void cutTo(std::uintmax_t size) const { std::filesystem::resize_file(path_, size); }
  std::size_t failures() const { return failures_; }

 private:
  const testing::TempFolder temp_;
  const std::string path_ = (temp_.path() / "audit").string();
  std::size_t failures_ = 0;
  Log log_{
      LogLevel::Error, LogFormat::Text, {[this](std::string_view) { ++failures_; }, std::chrono::system_clock::now}};
};

bool isWhole(const std::string& line) { return line.starts_with("{\"time\"") && line.ends_with('}'); }

}  // namespace

TEST_CASE("wherever a full disk cuts a line of the audit log, its rest comes before the next one") {
  constexpr std::uintmax_t kMostRoom = 40;
  for (std::uintmax_t room = 0; room < kMostRoom; ++room) {
    CAPTURE(room);
    Audit files;
    AuditLog audit = files.open();
    files.record(audit, "first");
    {
      const testing::FileSizeLimit limit(files.size() + room);
      files.record(audit, "second");
      files.record(audit, "third");
      CHECK(files.failures() == 2);
    }
    if (room % 2 == 0) audit.reopen();
    files.record(audit, "fourth");
    const std::vector<std::string> lines = files.lines();
    REQUIRE(lines.size() == (room == 0 ? 2 : 3));
    for (const std::string& line : lines) CHECK(isWhole(line));
    CHECK(lines.back().find("fourth") != std::string::npos);
  }
}

TEST_CASE("what an earlier run has left of a line of the audit log is a line of its own") {
  Audit files;
  {
    AuditLog audit = files.open();
    files.record(audit, "first");
  }
  files.cutTo(files.size() - 5);
  AuditLog audit = files.open();
  files.record(audit, "second");
  files.record(audit, "third");
  const std::vector<std::string> lines = files.lines();
  REQUIRE(lines.size() == 3);
  CHECK_FALSE(isWhole(lines[0]));
  CHECK(isWhole(lines[1]));
  CHECK(isWhole(lines[2]));
}
