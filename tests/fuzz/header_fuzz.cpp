// The header parser: any text is either refused with a HeaderError or understood, and what is understood is written as
// a text that means the same.

#include "common/header.h"
#include "common/protocol.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ft::HeaderParser parser;
  const std::string_view text = ft::fuzz::textOf(data, size);
  try {
    const std::string written = ft::writeHeader(parser.parse(text));
    // Longer is possible (mtime is written beside mtime_ns), and then no frame.
    if (written.size() > ft::kMaxHeaderSize) return 0;
    ft::fuzz::require(ft::writeHeader(parser.parse(written)) == written);
  } catch (const ft::HeaderError& error) {
    ft::fuzz::require(error.code() == ft::ErrorCode::BadRequest || error.code() == ft::ErrorCode::Unsupported);
  }
  return 0;
}
