#include "common/units.h"

#include <array>
#include <charconv>
#include <limits>

#include "common/lower_case.h"

namespace ft {
namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kKibi = 1024;
constexpr std::uint64_t kMebi = kKibi * kKibi;
constexpr std::uint64_t kGibi = kKibi * kMebi;
constexpr std::uint64_t kTebi = kKibi * kGibi;
constexpr std::uint64_t kKilo = 1000;
constexpr std::uint64_t kMega = kKilo * kKilo;
constexpr std::uint64_t kGiga = kKilo * kMega;
constexpr std::uint64_t kTera = kKilo * kGiga;

constexpr std::array kSizeUnits{Unit{"", 1},        Unit{"b", 1},       Unit{"kib", kKibi}, Unit{"k", kKilo},
                                Unit{"kb", kKilo},  Unit{"mib", kMebi}, Unit{"m", kMega},   Unit{"mb", kMega},
                                Unit{"gib", kGibi}, Unit{"g", kGiga},   Unit{"gb", kGiga},  Unit{"tib", kTebi},
                                Unit{"t", kTera},   Unit{"tb", kTera}};

constexpr std::array kTimeUnits{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                                Unit{"s", 1000},       Unit{"ms", 1},        Unit{"", 1000}};
constexpr std::uint64_t kLongestTime = 100 * std::uint64_t{365} * 86'400'000;

// Digits and then one of the units; at most `limit`.
template <std::size_t Count>
std::optional<std::uint64_t> parseWithUnit(const std::string& text, const std::array<Unit, Count>& units,
                                           std::uint64_t limit) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > limit / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

// "3.1" for 31 tenths.
std::string writeTenths(std::uint64_t tenths) {
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

}  // namespace

std::optional<std::uint64_t> parseNumber(std::string_view text, int base) {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parseSize(std::string_view text) {
  return parseWithUnit(lowerCase(text), kSizeUnits, std::numeric_limits<std::int64_t>::max());
}

std::optional<milliseconds> parseDuration(std::string_view text) {
  const auto count = parseWithUnit(std::string(text), kTimeUnits, kLongestTime);
  if (!count) return std::nullopt;
  return milliseconds(static_cast<milliseconds::rep>(*count));
}

std::string formatSize(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> kNames{" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  if (bytes < kKibi) return std::to_string(bytes) + " B";
  std::uint64_t unit = kKibi;
  std::size_t name = 0;
  // One step further where rounding would show 1024.0.
  while (name + 1 < kNames.size() && bytes >= unit * kKibi - unit / 20) {
    unit *= kKibi;
    ++name;
  }
  // The remainder is under 2^60, so ten times it fits.
  const std::uint64_t tenths = bytes / unit * 10 + (bytes % unit * 10 + unit / 2) / unit;
  return writeTenths(tenths).append(kNames[name]);
}

std::string exactSize(std::uint64_t bytes) { return std::to_string(bytes) + " bytes (" + formatSize(bytes) + ")"; }

std::string formatDuration(milliseconds time) {
  const auto ms = static_cast<std::uint64_t>(time.count() < 0 ? 0 : time.count());
  if (ms < 1000) return std::to_string(ms) + " ms";
  if (ms < 59'950) return writeTenths((ms + 50) / 100) + " s";
  const std::uint64_t seconds = (ms + 500) / 1000;
  if (seconds < 3600) return std::to_string(seconds / 60) + " m " + std::to_string(seconds % 60) + " s";
  const std::uint64_t minutes = (seconds + 30) / 60;
  if (minutes < 1440) return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " m";
  const std::uint64_t hours = (minutes + 30) / 60;
  return std::to_string(hours / 24) + " d " + std::to_string(hours % 24) + " h";
}

std::string writeDuration(milliseconds time) {
  const auto ms = static_cast<std::uint64_t>(time.count() < 0 ? 0 : time.count());
  if (ms == 0) return "0s";
  for (const Unit& unit : kTimeUnits) {
    if (ms % unit.factor == 0) return std::to_string(ms / unit.factor).append(unit.name);
  }
  return std::to_string(ms) + "ms";
}

std::string writeSize(std::uint64_t bytes) {
  static constexpr std::array kWritten{Unit{"TiB", kTebi}, Unit{"GiB", kGibi}, Unit{"MiB", kMebi}, Unit{"KiB", kKibi}};
  for (const Unit& unit : kWritten) {
    if (bytes != 0 && bytes % unit.factor == 0) return std::to_string(bytes / unit.factor).append(unit.name);
  }
  return std::to_string(bytes);
}

}  // namespace ft
