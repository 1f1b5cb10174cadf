#pragma once
// Every number of the wire. PROTOCOL.md is the definition; this file holds the same values and no code.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ft {

inline constexpr int kProtocolVersion = 1;
inline constexpr std::uint16_t kDefaultPort = 7021;

// Frames (PROTOCOL.md 1). Bytes.
inline constexpr std::size_t kLengthPrefixSize = 4;
inline constexpr std::size_t kMinHeaderSize = 2;
inline constexpr std::size_t kMaxHeaderSize = 65'536;

// Before a log-in (PROTOCOL.md 5.11).
inline constexpr std::size_t kMaxHeaderBeforeLogin = 8192;
inline constexpr int kMaxLoginTries = 6;
inline constexpr std::size_t kLoginBindingSize = 32;  // the nonce, or what TLS exports

// Headers (PROTOCOL.md 2).
inline constexpr int kMaxJsonDepth = 8;
inline constexpr std::size_t kMaxIdSize = 128;
inline constexpr std::uint32_t kModeMask = 0777;

// Names (PROTOCOL.md 2.1). Bytes, and parts.
inline constexpr std::size_t kMaxNameSize = 4095;
inline constexpr std::size_t kMaxNamePartSize = 255;
inline constexpr std::size_t kMaxNameParts = 64;
inline constexpr std::string_view kReservedFolder = ".ftpd";

// Bodies (PROTOCOL.md 4). Bytes.
inline constexpr std::size_t kChunkPrefixSize = 8;
inline constexpr std::int64_t kMaxChunkSize = std::int64_t{1} << 30;
inline constexpr std::int64_t kMaxHoleSize = std::int64_t{1} << 62;

// The unit in which the client streams files: the chunk of the teaching programs, two pages. It is the step
// of progress and of cancelling; one call into the kernel may carry many chunks.
inline constexpr std::size_t kChunkSize = 8192;

// A refused body of up to this size is read and thrown away; a longer one ends the connection (PROTOCOL.md 3).
inline constexpr std::uint64_t kMaxDrainedBody = 1 << 20;

// Bodies must move at least kMinBodyRate bytes a second over kBodyRateWindow (PROTOCOL.md 6).
inline constexpr std::uint64_t kMinBodyRate = 1024;
inline constexpr std::chrono::seconds kBodyRateWindow{30};

// Entries of one check, and offers of one connection (PROTOCOL.md 5.3, 5.6).
inline constexpr std::size_t kMaxCheckEntries = 4096;
inline constexpr std::size_t kMaxOpenOffers = 16;

}  // namespace ft
