#pragma once
// Frame and chunk prefixes (PROTOCOL.md 1 and 4) over bytes in memory. Knows lengths and nothing of sockets or JSON.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ft {

// The length prefix of a header. Throws ProtocolError when it is under kMinHeaderSize or over kMaxHeaderSize.
std::size_t decodeLength(std::span<const std::byte, 4> prefix);
std::array<char, 4> encodeLength(std::size_t headerSize);

// If `bytes` begin with a whole frame, its header's text (a view into `bytes`); nullopt when more bytes are needed.
// Throws ProtocolError as soon as the prefix is there and bad. The frame takes kLengthPrefixSize + header.size() bytes.
std::optional<std::string_view> peekFrame(std::span<const std::byte> bytes);

// A chunk's prefix. Throws ProtocolError when it is over kMaxChunkSize or a hole over kMaxHoleSize.
std::int64_t decodeChunk(std::span<const std::byte, 8> prefix);
std::array<char, 8> encodeChunk(std::int64_t n);

}  // namespace ft
