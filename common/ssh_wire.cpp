#include "common/ssh_wire.h"

namespace ft {
namespace {

constexpr std::size_t kNumberSize = 4;

}  // namespace

std::string sshNumber(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 255);
  return bytes;
}

std::string sshString(std::string_view text) { return sshNumber(static_cast<std::uint32_t>(text.size())).append(text); }

std::uint32_t SshReader::number() {
  if (failed_ || rest_.size() < kNumberSize) {
    failed_ = true;
    return 0;
  }
  std::uint32_t number = 0;
  for (const char c : rest_.substr(0, kNumberSize)) number = number << 8 | static_cast<unsigned char>(c);
  rest_.remove_prefix(kNumberSize);
  return number;
}

std::string_view SshReader::string() {
  const std::uint32_t size = number();
  if (failed_ || rest_.size() < size) {
    failed_ = true;
    return {};
  }
  const std::string_view text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return text;
}

}  // namespace ft
