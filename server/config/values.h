#pragma once
// Reading the values of settings. Each returns "" and writes the target, or returns what the value should have been.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace ft {

struct CountRange {
  std::uint64_t least = 0;
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
};

// One word of a setting that has a few, and what it stands for.
template <typename Value>
struct Word {
  std::string_view text;
  Value value;
};

std::string readCount(std::string_view text, const CountRange& range, std::uint64_t& into);
std::string readYesNo(std::string_view text, bool& into);
std::string writeYesNo(bool value);
// "64KiB", "10GiB", "4096".
std::string readBytes(std::string_view text, std::uint64_t& into);
std::string readTime(std::string_view text, std::chrono::milliseconds least, std::chrono::milliseconds& into);
// A file or folder, or "" for none; what only a shell understands ('~') is refused.
std::string readPath(std::string_view text, std::string& into);
// Octal permission bits; those in `required` (0600 or 0700) must be there, or the daemon could not use what it makes.
std::string readMode(std::string_view text, std::uint32_t required, std::uint32_t& into);
// One of the words.
template <typename Words, typename Value>
std::string readWord(std::string_view text, const Words& words, Value& into) {
  std::string all;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].text == text) {
      into = words[i].value;
      return "";
    }
    all += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + std::string(words[i].text);
  }
  return all;
}
// The word for a value that has one.
template <typename Words, typename Value>
std::string writeWord(const Words& words, const Value& value) {
  for (const auto& word : words) {
    if (word.value == value) return std::string(word.text);
  }
  return "";
}

}  // namespace ft
