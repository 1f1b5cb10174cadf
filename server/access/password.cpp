#include "server/access/password.h"

#include <sodium.h>

#include <array>
#include <stdexcept>

namespace ft {
namespace {

void start() {
  if (::sodium_init() < 0) throw std::runtime_error("libsodium cannot be used here");
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

std::string randomBytes(std::size_t count) {
  start();
  std::string bytes(count, '\0');
  ::randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

}  // namespace ft
