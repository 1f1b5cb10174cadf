#pragma once
// Single JSON values of a header as C++ values. Each readX() returns "" when it could, else what it wanted, for a
// message.
// Internal to the codec of headers: it needs the JSON library.

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/header.h"

namespace ft {

std::string_view readValue(const simdjson::dom::element& value, std::string& into);
std::string_view readValue(const simdjson::dom::element& value, bool& into);
std::string_view readValue(const simdjson::dom::element& value, std::int64_t& into);
// A count of bytes or things: 0 to 2^63-1.
std::string_view readValue(const simdjson::dom::element& value, std::uint64_t& into);
// Permission bits.
std::string_view readValue(const simdjson::dom::element& value, std::uint32_t& into);
std::string_view readValue(const simdjson::dom::element& value, ListEntry& into);
std::string_view readValue(const simdjson::dom::element& value, HelloLimits& into);
std::string_view readValue(const simdjson::dom::element& value, HelloService& into);

template <typename T>
std::string_view readValue(const simdjson::dom::element& value, std::vector<T>& into) {
  simdjson::dom::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return "an array";
  into.reserve(array.size());
  for (const simdjson::dom::element item : array) {
    const std::string_view expected = readValue(item, into.emplace_back());
    if (!expected.empty()) return expected;
  }
  return {};
}

// The JSON text of an id.
std::string_view readId(const simdjson::dom::element& value, std::optional<std::string>& into);
// The hex digits of a digest of into.algorithm, in lower case.
std::string_view readHex(const simdjson::dom::element& value, DigestValue& into);

}  // namespace ft
