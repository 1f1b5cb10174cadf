#include "server/config/values.h"

#include "common/units.h"

namespace ft {

std::string readCount(std::string_view text, const CountRange& range, std::uint64_t& into) {
  const auto number = parseNumber(text);
  if (!number || *number < range.least || *number > range.most) {
    const bool bounded = range.most != CountRange().most;
    return bounded ? "a number from " + std::to_string(range.least) + " to " + std::to_string(range.most)
                   : "a number, at least " + std::to_string(range.least);
  }
  into = *number;
  return "";
}

std::string readYesNo(std::string_view text, bool& into) {
  if (text != "yes" && text != "no") return "yes or no";
  into = text == "yes";
  return "";
}

std::string writeYesNo(bool value) { return value ? "yes" : "no"; }

std::string readBytes(std::string_view text, std::uint64_t& into) {
  const auto size = parseSize(text);
  if (!size) return "a size like 64KiB, 10GiB or 4096";
  into = *size;
  return "";
}

std::string readTime(std::string_view text, std::chrono::milliseconds least, std::chrono::milliseconds& into) {
  const auto time = parseDuration(text);
  if (!time || *time < least) {
    return "a time like 500ms, 10s, 5m or 7d" + (least.count() > 0 ? ", at least " + writeDuration(least) : "");
  }
  into = *time;
  return "";
}

std::string readPath(std::string_view text, std::string& into) {
  if (text.starts_with('~')) return "a whole path: '~' is not expanded here";
  into = text;
  return "";
}

std::string readMode(std::string_view text, std::uint32_t required, std::uint32_t& into) {
  const auto mode = parseNumber(text, 8);
  if (!mode || *mode > 0777 || (*mode & required) != required) {
    return required == 0600 ? "octal permission bits from 0600 to 0777 that let the owner read and write"
                            : "octal permission bits from 0700 to 0777 that let the owner do everything";
  }
  into = static_cast<std::uint32_t>(*mode);
  return "";
}

}  // namespace ft
