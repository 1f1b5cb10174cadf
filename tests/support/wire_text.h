#pragma once
// Frames, chunks, headers and bodies as text, for tests that speak the protocol byte by byte.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/digest.h"
#include "common/frame.h"

namespace ft::testing {

inline std::string frame(const std::string& json) {
  const auto prefix = encodeLength(json.size());
  return std::string(prefix.data(), prefix.size()) + json;
}

inline std::string chunk(std::string_view bytes) {
  const auto prefix = encodeChunk(static_cast<std::int64_t>(bytes.size()));
  return std::string(prefix.data(), prefix.size()) + std::string(bytes);
}

inline std::string hole(std::int64_t size) {
  const auto prefix = encodeChunk(-size);
  return {prefix.data(), prefix.size()};
}

inline std::string hexOf(DigestAlgorithm algorithm, std::string_view text) {
  return digestOf(algorithm, std::as_bytes(std::span(text.data(), text.size()))).hex;
}

inline std::string md5Of(std::string_view text) { return hexOf(DigestAlgorithm::Md5, text); }
inline std::string xxhOf(std::string_view text) { return hexOf(DigestAlgorithm::Xxh128, text); }

inline std::string putJson(const std::string& name, std::size_t size, const std::string& more = "") {
  return R"({"v":1,"cmd":"put","filename":")" + name + R"(","filesize":)" + std::to_string(size) + more + "}";
}

inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26 + i / 4096 % 3);
  return text;
}

}  // namespace ft::testing
