// The message codec: a stream of frames and chunks, looked at after every byte as the line may cut it. A frame is found
// exactly when its last byte is there, its header is what was sent, and a bad prefix is refused as soon as it is whole.

#include "common/error.h"
#include "common/frame.h"
#include "common/header.h"
#include "common/protocol.h"
#include "tests/fuzz/input.h"

namespace {

void checkFrames(std::string_view stream) {
  ft::HeaderParser parser;
  while (!stream.empty()) {
    std::optional<std::string_view> found;
    std::size_t seen = 0;
    for (; seen <= stream.size() && !found; ++seen) {
      found = ft::peekFrame(std::as_bytes(std::span(stream.data(), seen)));
      if (seen >= ft::kLengthPrefixSize && seen > ft::kLengthPrefixSize + ft::kMaxHeaderSize)
        ft::fuzz::require(found.has_value());
    }
    if (!found) return;
    ft::fuzz::require(seen - 1 == ft::kLengthPrefixSize + found->size());
    ft::fuzz::require(found->data() == stream.data() + ft::kLengthPrefixSize);
    try {
      static_cast<void>(parser.parse(*found));
    } catch (const ft::HeaderError&) {
      // Refused; the frame's borders are known all the same.
    }
    stream.remove_prefix(seen - 1);
  }
}

void checkChunks(std::string_view stream) {
  while (stream.size() >= ft::kChunkPrefixSize) {
    const auto prefix = std::as_bytes(std::span<const char, ft::kChunkPrefixSize>(stream.data(), ft::kChunkPrefixSize));
    const std::int64_t n = ft::decodeChunk(prefix);
    ft::fuzz::require(n <= ft::kMaxChunkSize && n >= -ft::kMaxHoleSize);
    const auto again = ft::encodeChunk(n);
    ft::fuzz::require(std::string_view(again.data(), again.size()) == stream.substr(0, ft::kChunkPrefixSize));
    stream.remove_prefix(ft::kChunkPrefixSize);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view stream = ft::fuzz::textOf(data, size);
  if (stream.size() > 2048) return 0;  // every cut is looked at: longer streams cost much and say no more
  try {
    checkFrames(stream);
  } catch (const ft::ProtocolError&) {
    ft::fuzz::require(stream.size() >= ft::kLengthPrefixSize);
  }
  try {
    checkChunks(stream);
  } catch (const ft::ProtocolError&) {
    ft::fuzz::require(stream.size() >= ft::kChunkPrefixSize);
  }
  return 0;
}
