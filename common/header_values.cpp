#include "common/header_values.h"

#include <algorithm>

#include "common/json_writer.h"
#include "common/protocol.h"

namespace ft {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kString = "a string";
constexpr std::string_view kInteger = "an integer";
constexpr std::string_view kCount = "an integer from 0 to 2^63-1";
constexpr std::string_view kMode = "an integer from 0 to 511";
constexpr std::string_view kEntry = "an array of entries, each with name and type";
constexpr std::string_view kLimits = "an object of integers";
constexpr std::string_view kService = "an array of services, each with name and address";

bool isHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

std::string_view readValue(const dom::element& value, std::string& into) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return kString;
  into = text;
  return {};
}

std::string_view readValue(const dom::element& value, bool& into) {
  return value.get_bool().get(into) == simdjson::SUCCESS ? std::string_view{} : "true or false";
}

std::string_view readValue(const dom::element& value, std::int64_t& into) {
  // The parser gives this type to whole numbers that fit only: those with a fraction or an exponent are doubles.
  if (value.type() != dom::element_type::INT64) return kInteger;
  into = value.get_int64().value_unsafe();
  return {};
}

std::string_view readValue(const dom::element& value, std::uint64_t& into) {
  std::int64_t number = 0;
  if (!readValue(value, number).empty() || number < 0) return kCount;
  into = static_cast<std::uint64_t>(number);
  return {};
}

std::string_view readValue(const dom::element& value, std::uint32_t& into) {
  std::int64_t number = 0;
  if (!readValue(value, number).empty() || number < 0 || number > std::int64_t{kModeMask}) return kMode;
  into = static_cast<std::uint32_t>(number);
  return {};
}

std::string_view readValue(const dom::element& value, ListEntry& into) {
  dom::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return kEntry;
  for (const dom::key_value_pair member : object) {
    std::string_view expected;
    if (member.key == "name") expected = readValue(member.value, into.name);
    if (member.key == "type") expected = readValue(member.value, into.type);
    if (member.key == "size") expected = readValue(member.value, into.size);
    if (member.key == "mtime_ns") expected = readValue(member.value, into.mtimeNs.emplace());
    if (member.key == "mode") expected = readValue(member.value, into.mode);
    if (!expected.empty()) return kEntry;
  }
  return into.name.empty() || into.type.empty() ? kEntry : std::string_view{};
}

std::string_view readValue(const dom::element& value, HelloLimits& into) {
  dom::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return kLimits;
  for (const dom::key_value_pair member : object) {
    std::string_view expected;
    if (member.key == "header") expected = readValue(member.value, into.header);
    if (member.key == "chunk") expected = readValue(member.value, into.chunk);
    if (member.key == "pipeline") expected = readValue(member.value, into.pipeline);
    if (!expected.empty()) return kLimits;
  }
  return {};
}

std::string_view readValue(const dom::element& value, HelloService& into) {
  dom::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return kService;
  for (const dom::key_value_pair member : object) {
    std::string_view expected;
    if (member.key == "name") expected = readValue(member.value, into.name);
    if (member.key == "address") expected = readValue(member.value, into.address);
    if (!expected.empty()) return kService;
  }
  return into.name.empty() || into.address.empty() ? kService : std::string_view{};
}

std::string_view readId(const dom::element& value, std::optional<std::string>& into) {
  static_assert(kMaxIdSize == 128);
  constexpr std::string_view kShort = "of at most 128 bytes";
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) {
    if (text.size() > kMaxIdSize) return kShort;
    appendJsonString(into.emplace(), text);
    return {};
  }
  std::string json = simdjson::minify(value);
  if (json.size() > kMaxIdSize) return kShort;
  into = std::move(json);
  return {};
}

std::string_view readHex(const dom::element& value, DigestValue& into) {
  const std::size_t size = digestHexSize(into.algorithm);
  const std::string_view expected = size == 64 ? "64 hex digits" : "32 hex digits";
  if (!readValue(value, into.hex).empty() || into.hex.size() != size) return expected;
  for (char& c : into.hex) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::all_of(into.hex.begin(), into.hex.end(), isHexDigit) ? std::string_view{} : expected;
}

}  // namespace ft
