#pragma once
// Bytes as hex digits, two for each.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ft {

// In lower case.
std::string toHex(std::span<const unsigned char> bytes);
std::string toHex(std::string_view bytes);
// nullopt for an odd number of digits, and for what is no digit of lower case.
std::optional<std::string> fromHex(std::string_view digits);

}  // namespace ft
