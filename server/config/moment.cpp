#include "server/config/moment.h"

#include <time.h>

#include <array>

namespace ft {
namespace {

constexpr std::size_t kMomentSize = std::string_view("2027-01-31T00:00:00Z").size();

}  // namespace

std::optional<Moment> parseMoment(std::string_view text) {
  const std::string whole =
      text.find('T') == std::string_view::npos ? std::string(text) + "T00:00:00Z" : std::string(text);
  tm parts{};
  const char* const end = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0' || whole.size() != kMomentSize) return std::nullopt;
  const tm wanted = parts;
  const time_t seconds = ::timegm(&parts);
  // 31 February would have become a day in March.
  if (parts.tm_mday != wanted.tm_mday || parts.tm_mon != wanted.tm_mon) return std::nullopt;
  return Moment(std::chrono::seconds(seconds));
}

Moment thisMoment() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

std::string writeMoment(Moment moment) {
  const time_t seconds = moment.time_since_epoch().count();
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace ft
