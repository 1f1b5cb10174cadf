#pragma once
// RFC 4648: base64 (section 4, padded) and its URL form (section 5, without padding).

#include <optional>
#include <string>
#include <string_view>

namespace ft {

std::string base64(std::string_view bytes);
std::string base64Url(std::string_view bytes);
// Reads section 4; the padding may be missing. nullopt for anything else, bits that are left over included.
std::optional<std::string> fromBase64(std::string_view text);

}  // namespace ft
