#pragma once
// The daemon's structured log: one event a line, as text or JSON, every value escaped. Any thread may call. Only
// log.cpp includes spdlog.

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace ft {

enum class LogLevel { Trace, Debug, Info, Warn, Error };
enum class LogFormat { Text, Json };

// "trace", "debug", "info", "warn", "error".
std::string_view logLevelName(LogLevel level);
std::optional<LogLevel> logLevelFromName(std::string_view name);
// "text", "json".
std::string_view logFormatName(LogFormat format);
std::optional<LogFormat> logFormatFromName(std::string_view name);

// One key and its value. Holds views: lives no longer than the call.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, bool flag) : key(name), value(flag) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}
  template <std::signed_integral T>
  LogField(std::string_view name, T number) : key(name), value(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view name, T number)
      : key(name), value(static_cast<std::uint64_t>(number)) {}
  std::string_view key;
  Value value;
};

// Where lines go and what time it is: for tests. Calls come one at a time; a line has no line feed.
struct LogOutput {
  std::function<void(std::string_view line)> write;
  std::function<std::chrono::system_clock::time_point()> now;
};

class Log {
 public:
  // Writes to standard error.
  Log(LogLevel level, LogFormat format);
  Log(LogLevel level, LogFormat format, LogOutput output);
  ~Log();

  bool enabled(LogLevel level) const { return level >= level_; }
  // Events of the same name over a rate are counted instead of written, and the count is told later, so that a flood
  // cannot fill the disk.
  void event(LogLevel level, std::string_view name, std::span<const LogField> fields);
  void event(LogLevel level, std::string_view name, std::initializer_list<LogField> fields) {
    event(level, name, std::span(fields.begin(), fields.size()));
  }

 private:
  struct Impl;
  LogLevel level_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ft
