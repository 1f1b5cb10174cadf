#include "server/log/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "common/escape.h"
#include "common/json_writer.h"

namespace ft {
namespace {

using Clock = std::chrono::system_clock;

constexpr std::array<std::pair<LogLevel, std::string_view>, 5> kLevels{{{LogLevel::Trace, "trace"},
                                                                        {LogLevel::Debug, "debug"},
                                                                        {LogLevel::Info, "info"},
                                                                        {LogLevel::Warn, "warn"},
                                                                        {LogLevel::Error, "error"}}};
constexpr std::array<std::pair<LogFormat, std::string_view>, 2> kFormats{
    {{LogFormat::Text, "text"}, {LogFormat::Json, "json"}}};

template <typename Value, std::size_t Count>
std::optional<Value> valueOf(const std::array<std::pair<Value, std::string_view>, Count>& table,
                             std::string_view name) {
  for (const auto& [value, text] : table) {
    if (text == name) return value;
  }
  return std::nullopt;
}

template <typename Value, std::size_t Count>
std::string_view nameOf(const std::array<std::pair<Value, std::string_view>, Count>& table, Value wanted) {
  for (const auto& [value, text] : table) {
    if (value == wanted) return text;
  }
  return "";
}

// Lines a second for one name. Trouble is told enough with 200; what is done stays whole up to far more than one daemon
// does on ordinary disks, and a flood still ends somewhere.
constexpr double kTroubleRate = 200;
constexpr double kOrdinaryRate = 20'000;
constexpr std::chrono::seconds kSummaryInterval{1};

double rateOf(LogLevel level) { return level >= LogLevel::Warn ? kTroubleRate : kOrdinaryRate; }

// 2026-11-21T04:00:00.123Z
void appendTime(std::string& line, Clock::time_point now) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(now);
  const auto whole = std::chrono::floor<std::chrono::seconds>(ms);
  const std::time_t seconds = Clock::to_time_t(whole);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  fmt::format_to(std::back_inserter(line), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                 utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (ms - whole).count());
}

// Text that needs no quotation marks: addresses, words, digests.
bool isBare(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._:[]-").find(c) != std::string_view::npos;
  });
}

// Fields as key=value.
class TextFields {
 public:
  explicit TextFields(std::string& line) : line_(line) {}

  void begin(LogLevel level, std::string_view name) {
    line_ += ' ';
    for (const char c : nameOf(kLevels, level)) line_ += static_cast<char>(c - 'a' + 'A');
    line_ += ' ';
    line_ += name;
  }

  void add(const LogField& field) {
    line_ += ' ';
    line_ += field.key;
    line_ += '=';
    std::visit([&](auto value) { append(value); }, field.value);
  }

 private:
  void append(std::string_view text) {
    if (isBare(text) && text.size() < 200) {
      line_ += text;
      return;
    }
    line_ += '"';
    for (const char c : escapeText(text)) {
      if (c == '"') line_ += '\\';
      line_ += c;
    }
    line_ += '"';
  }
  void append(bool flag) { line_ += flag ? "true" : "false"; }
  void append(double number) { fmt::format_to(std::back_inserter(line_), "{:.6g}", number); }
  void append(std::int64_t number) { fmt::format_to(std::back_inserter(line_), "{}", number); }
  void append(std::uint64_t number) { fmt::format_to(std::back_inserter(line_), "{}", number); }

  std::string& line_;
};

std::string jsonLine(Clock::time_point now, LogLevel level, std::string_view name, std::span<const LogField> fields) {
  std::string line, time;
  line.reserve(256);
  appendTime(time, now);
  JsonWriter json(line);
  json.beginObject();
  json.field("time", time);
  json.field("level", nameOf(kLevels, level));
  json.field("event", name);
  for (const LogField& field : fields) {
    json.key(field.key);
    if (const auto* const text = std::get_if<std::string_view>(&field.value)) {
      json.value(escapeText(*text));
    } else if (const auto* const number = std::get_if<double>(&field.value)) {
      json.raw(std::isfinite(*number) ? fmt::format("{:.6g}", *number) : "null");
    } else {
      std::visit([&](auto value) { json.raw(fmt::format("{}", value)); }, field.value);
    }
  }
  json.endObject();
  return line;
}

std::string textLine(Clock::time_point now, LogLevel level, std::string_view name, std::span<const LogField> fields) {
  std::string line;
  line.reserve(256);
  appendTime(line, now);
  TextFields text(line);
  text.begin(level, name);
  for (const LogField& field : fields) text.add(field);
  return line;
}

LogOutput standardError() {
  auto logger = std::make_shared<spdlog::logger>("ftpd", std::make_shared<spdlog::sinks::stderr_sink_st>());
  logger->set_pattern("%v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::trace);
  return {[logger](std::string_view line) {
            logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
          },
          Clock::now};
}

// A token bucket: a second's worth of lines at once, and the rate after that.
struct Bucket {
  double tokens = 0;
  Clock::time_point filled;
  std::uint64_t suppressed = 0;
};

}  // namespace

std::string_view logLevelName(LogLevel level) { return nameOf(kLevels, level); }
std::optional<LogLevel> logLevelFromName(std::string_view name) { return valueOf(kLevels, name); }
std::string_view logFormatName(LogFormat format) { return nameOf(kFormats, format); }
std::optional<LogFormat> logFormatFromName(std::string_view name) { return valueOf(kFormats, name); }

struct Log::Impl {
  Impl(LogFormat lineFormat, LogOutput lineOutput) : format(lineFormat), output(std::move(lineOutput)) {}

  std::string line(Clock::time_point now, LogLevel level, std::string_view name,
                   std::span<const LogField> fields) const {
    return format == LogFormat::Json ? jsonLine(now, level, name, fields) : textLine(now, level, name, fields);
  }

  // Takes a token of that name, or counts the event. The lock is held.
  bool admit(Clock::time_point now, LogLevel level, std::string_view name) {
    const double rate = rateOf(level);
    const auto [entry, isNew] = buckets.try_emplace(std::string(name), Bucket{rate, now, 0});
    Bucket& bucket = entry->second;
    const double passed = std::chrono::duration<double>(now - bucket.filled).count();
    // A clock that was set back gives nothing, and takes nothing.
    bucket.tokens = std::min(rate, bucket.tokens + std::max(passed, 0.0) * rate);
    bucket.filled = now;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return true;
    }
    if (!anySuppressed) nextSummary = now + kSummaryInterval;
    anySuppressed = true;
    ++bucket.suppressed;
    return false;
  }

  // Tells what was not written, once in a while. The lock is held.
  void summarize(Clock::time_point now, bool atOnce) {
    if (!anySuppressed || (!atOnce && now < nextSummary && nextSummary - now <= kSummaryInterval)) return;
    for (auto& [name, bucket] : buckets) {
      if (bucket.suppressed == 0) continue;
      const std::array<LogField, 2> fields{LogField{"name", name},
                                           LogField{"count", std::exchange(bucket.suppressed, 0)}};
      output.write(line(now, LogLevel::Warn, "suppressed", fields));
    }
    anySuppressed = false;
  }

  const LogFormat format;
  const LogOutput output;
  std::mutex mutex;
  std::unordered_map<std::string, Bucket> buckets;
  bool anySuppressed = false;
  Clock::time_point nextSummary;
};

Log::Log(LogLevel level, LogFormat format) : Log(level, format, standardError()) {}

Log::Log(LogLevel level, LogFormat format, LogOutput output)
    : level_(level), impl_(std::make_unique<Impl>(format, std::move(output))) {}

Log::~Log() {
  const std::lock_guard lock(impl_->mutex);
  impl_->summarize(impl_->output.now(), true);
}

void Log::event(LogLevel level, std::string_view name, std::span<const LogField> fields) {
  if (!enabled(level)) return;
  const Clock::time_point now = impl_->output.now();
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->summarize(now, false);
    if (!impl_->admit(now, level, name)) return;
  }
  const std::string line = impl_->line(now, level, name, fields);
  const std::lock_guard lock(impl_->mutex);
  impl_->output.write(line);
}

}  // namespace ft
