#include "common/frame.h"

#include <bit>

#include "common/error.h"
#include "common/protocol.h"

namespace ft {
namespace {

template <typename Unsigned, std::size_t Size>
Unsigned decodeLittleEndian(std::span<const std::byte, Size> bytes) {
  static_assert(sizeof(Unsigned) == Size);
  Unsigned value = 0;
  for (std::size_t i = 0; i < Size; ++i) value |= std::to_integer<Unsigned>(bytes[i]) << (8 * i);
  return value;
}

template <typename Unsigned>
std::array<char, sizeof(Unsigned)> encodeLittleEndian(Unsigned value) {
  std::array<char, sizeof(Unsigned)> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>((value >> (8 * i)) & 0xffU);
  return bytes;
}

}  // namespace

std::size_t decodeLength(std::span<const std::byte, 4> prefix) {
  const std::uint32_t bits = decodeLittleEndian<std::uint32_t>(prefix);
  if (bits < kMinHeaderSize || bits > kMaxHeaderSize) {
    throw ProtocolError("the other side does not speak this protocol: it announces a header of " +
                        std::to_string(std::bit_cast<std::int32_t>(bits)) + " bytes; " +
                        std::to_string(kMinHeaderSize) + " to " + std::to_string(kMaxHeaderSize) + " are allowed");
  }
  return bits;
}

std::array<char, 4> encodeLength(std::size_t headerSize) {
  return encodeLittleEndian(static_cast<std::uint32_t>(headerSize));
}

std::optional<std::string_view> peekFrame(std::span<const std::byte> bytes) {
  if (bytes.size() < kLengthPrefixSize) return std::nullopt;
  const std::size_t size = decodeLength(bytes.first<kLengthPrefixSize>());
  const std::span<const std::byte> rest = bytes.subspan(kLengthPrefixSize);
  if (rest.size() < size) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(rest.data()), size);
}

std::int64_t decodeChunk(std::span<const std::byte, 8> prefix) {
  const auto n = std::bit_cast<std::int64_t>(decodeLittleEndian<std::uint64_t>(prefix));
  if (n > kMaxChunkSize || n < -kMaxHoleSize) {
    throw ProtocolError("a chunk of " + std::to_string(n) + " bytes is announced; at most " +
                        std::to_string(kMaxChunkSize) + ", or a hole of at most " + std::to_string(kMaxHoleSize) +
                        ", are allowed");
  }
  return n;
}

std::array<char, 8> encodeChunk(std::int64_t n) { return encodeLittleEndian(std::bit_cast<std::uint64_t>(n)); }

}  // namespace ft
