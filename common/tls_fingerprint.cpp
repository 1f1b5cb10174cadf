#include "common/tls_fingerprint.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace ft {
namespace {

constexpr std::string_view kPrefix = "SHA256:";
constexpr std::size_t kBase64Size = 43;  // of 32 bytes, without padding

bool isBase64(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

}  // namespace

std::string fingerprintOf(const x509_st* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) throw std::runtime_error("a certificate without a public key");
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256(der, static_cast<std::size_t>(size), hash.data());
  OPENSSL_free(der);
  std::array<unsigned char, 64> text{};
  EVP_EncodeBlock(text.data(), hash.data(), static_cast<int>(hash.size()));
  return std::string(kPrefix).append(reinterpret_cast<const char*>(text.data()), kBase64Size);
}

std::optional<std::string> parseFingerprint(std::string_view text) {
  for (const std::string_view prefix : {kPrefix, std::string_view("sha256//")}) {
    if (!text.starts_with(prefix)) continue;
    std::string_view digits = text.substr(prefix.size());
    if (digits.ends_with('=')) digits.remove_suffix(1);
    if (digits.size() != kBase64Size || !std::all_of(digits.begin(), digits.end(), isBase64)) return std::nullopt;
    return std::string(kPrefix).append(digits);
  }
  return std::nullopt;
}

}  // namespace ft
