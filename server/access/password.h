#pragma once
// Passwords as they are stored: argon2id by libsodium, the only file that includes it is password.cpp.

#include <cstddef>
#include <string>
#include <string_view>

namespace ft {

// Longer ones are refused before any work.
inline constexpr std::size_t kMaxPasswordSize = 1024;

struct PasswordCost {
  unsigned long long passes = 2;
  std::size_t memory = std::size_t{19} << 20;  // bytes
};

// The text that stands in the users file. Throws std::runtime_error without memory or random numbers.
std::string hashPassword(std::string_view password, const PasswordCost& cost = {});
// Takes as long as the hash says; false for what is no hash, too.
bool isPasswordRight(const std::string& hash, std::string_view password);
// Why such a text cannot be the hash of a password, in words: it is cut off or damaged, or would cost more than any
// daemon should spend on a log-in. Empty: it can.
std::string passwordHashFault(std::string_view text);
// A keyed digest of both, to know a pair again without keeping it. `key` is 32 bytes.
std::string pairDigest(std::string_view key, std::string_view first, std::string_view second);
bool isSame(std::string_view a, std::string_view b);  // in a time that does not tell where they differ

}  // namespace ft
