#pragma once
// Sizes and times as people write them: 64KiB, 10GiB, 500ms, 10s, 5m, 7d; and the way back for messages.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ft {

// Digits and nothing else, of base 10 or 8.
std::optional<std::uint64_t> parseNumber(std::string_view text, int base = 10);
// Digits with B, K/KB (1000), KiB (1024), … up to TiB, any case; no unit means bytes. nullopt when it is not that, or
// over 2^63-1.
std::optional<std::uint64_t> parseSize(std::string_view text);
// Digits with ms, s, m, h, d; no unit means seconds. nullopt when it is not that, or over 100 years.
std::optional<std::chrono::milliseconds> parseDuration(std::string_view text);

// "812 B", "3.1 KiB", "8.0 GiB"
std::string formatSize(std::uint64_t bytes);
// "3200 bytes (3.1 KiB)"
std::string exactSize(std::uint64_t bytes);
// "240 ms", "3.2 s", "4 m 10 s", "2 h 3 m"
std::string formatDuration(std::chrono::milliseconds time);
// Exact and short for configuration files: "10s", "500ms", "7d"; "64KiB", "10GiB", "1000".
std::string writeDuration(std::chrono::milliseconds time);
std::string writeSize(std::uint64_t bytes);

}  // namespace ft
