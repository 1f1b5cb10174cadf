#pragma once
// A fuzzer's bytes read as choices: numbers, picks and texts, until they are used up (then all is 0 and empty).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ft::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {}

  bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::uint32_t number() { return static_cast<std::uint32_t>(byte()) << 8 | byte(); }
  // 0 to count - 1.
  std::size_t pick(std::size_t count) { return byte() % count; }
  bool coin() { return (byte() & 1) != 0; }
  std::string text(std::size_t size) {
    const auto taken = bytes_.first(size < bytes_.size() ? size : bytes_.size());
    bytes_ = bytes_.subspan(taken.size());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  std::string rest() { return text(bytes_.size()); }

 private:
  std::span<const std::uint8_t> bytes_;
};

inline std::string_view textOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// What must hold, whatever the input was: ends the program, so that the fuzzer keeps the input.
inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace ft::fuzz
