#include "server/access/password.h"

#include <sodium.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <stdexcept>

#include "common/base64.h"

namespace ft {
namespace {

void start() {
  if (::sodium_init() < 0) throw std::runtime_error("libsodium cannot be used here");
}

// What stands in a hash: memory in KiB, passes over it.
constexpr std::uint64_t kLeastMemory = 8;
constexpr std::uint64_t kMostMemory = 1 << 20;
constexpr std::uint64_t kMostWork = 4 * kMostMemory;
constexpr std::size_t kHashSize = 32;

bool take(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

bool takeNumber(std::string_view& text, std::uint64_t& number) {
  if (text.starts_with('0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool isBase64Of(std::string_view text, std::size_t size) {
  const auto bytes = fromBase64(text);
  return bytes && bytes->size() == size && !text.ends_with('=');
}

const unsigned char* bytesOf(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

std::string hashPassword(std::string_view password, const PasswordCost& cost) {
  start();
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (::crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), cost.passes, cost.memory,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
    throw std::runtime_error("there is not enough memory to hash a password");
  }
  return hash.data();
}

std::string passwordHashFault(std::string_view text) {
  static constexpr std::string_view kMadeBy = "must be a hash that `ftpd user passwd` has made";
  std::string_view rest = text;
  std::uint64_t memory = 0;  // KiB
  std::uint64_t passes = 0;
  const bool begins = take(rest, "$argon2id$v=19$m=") && takeNumber(rest, memory) && take(rest, ",t=") &&
                      takeNumber(rest, passes) && take(rest, ",p=1$");
  const std::size_t middle = rest.find('$');
  if (!begins) return std::string(kMadeBy);
  if (middle == std::string_view::npos || !isBase64Of(rest.substr(0, middle), crypto_pwhash_SALTBYTES) ||
      !isBase64Of(rest.substr(middle + 1), kHashSize)) {
    return std::string(kMadeBy) + ": this one is cut off or damaged";
  }
  if (memory < kLeastMemory || passes == 0) return std::string(kMadeBy) + ": its m and t are too small";
  if (memory > kMostMemory || passes > kMostWork / memory) {
    return "costs too much to check: m is at most 1048576 (1 GiB), and m times t at most 4194304";
  }
  return "";
}

bool isPasswordRight(const std::string& hash, std::string_view password) {
  start();
  if (hash.size() >= crypto_pwhash_STRBYTES) return false;
  return ::crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

std::string pairDigest(std::string_view key, std::string_view first, std::string_view second) {
  std::array<unsigned char, crypto_generichash_BYTES> digest{};
  crypto_generichash_state state;
  ::crypto_generichash_init(&state, bytesOf(key), key.size(), digest.size());
  const std::string size = std::to_string(first.size()) + ":";
  for (const std::string_view part : {std::string_view(size), first, second}) {
    ::crypto_generichash_update(&state, bytesOf(part), part.size());
  }
  ::crypto_generichash_final(&state, digest.data(), digest.size());
  ::sodium_memzero(&state, sizeof state);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

bool isSame(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace ft
