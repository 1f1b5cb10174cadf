#include "common/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "common/base64.h"
#include "common/secret.h"
#include "common/ssh_wire.h"

namespace ft {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kSignatureSize = 64;
constexpr std::string_view kKeyType = "ssh-ed25519";

struct FreeKey {
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Context = std::unique_ptr<EVP_MD_CTX, FreeKey>;

const unsigned char* bytesOf(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytesOf(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Key secretKey(std::string_view seed) {
  Key key(::EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytesOf(seed), seed.size()));
  if (!key) throw std::runtime_error("no Ed25519 key can be made of these bytes");
  return key;
}

}  // namespace

std::string keyBlob(const PublicKey& key) { return sshString(kKeyType) + sshString(key.bytes); }

std::string writePublicKey(const PublicKey& key) { return std::string(kKeyType) + " " + base64(keyBlob(key)); }

std::optional<PublicKey> readPublicKey(std::string_view text) {
  if (!text.starts_with(kKeyType) || text.substr(kKeyType.size(), 1) != " ") return std::nullopt;
  text.remove_prefix(kKeyType.size() + 1);
  const auto blob = fromBase64(text.substr(0, text.find(' ')));
  const std::string head = sshString(kKeyType) + sshNumber(kKeySize);
  if (!blob || blob->size() != head.size() + kKeySize || !blob->starts_with(head)) return std::nullopt;
  return PublicKey{blob->substr(head.size())};
}

std::string keyFingerprint(const PublicKey& key) {
  const std::string blob = keyBlob(key);
  std::string digest(32, '\0');
  unsigned size = 0;
  if (::EVP_Digest(blob.data(), blob.size(), bytesOf(digest), &size, ::EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not available");
  }
  std::string text = base64(digest);
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

SecretKey::SecretKey(std::string_view seed) {
  if (seed.size() != seed_.size()) throw std::runtime_error("an Ed25519 key has 32 bytes");
  const Key key = secretKey(seed);
  std::copy(seed.begin(), seed.end(), seed_.begin());
  public_.bytes.resize(kKeySize);
  std::size_t size = kKeySize;
  if (::EVP_PKEY_get_raw_public_key(key.get(), bytesOf(public_.bytes), &size) != 1) {
    throw std::runtime_error("an Ed25519 key has no public half");
  }
}

SecretKey::~SecretKey() { ::OPENSSL_cleanse(seed_.data(), seed_.size()); }

std::string SecretKey::sign(std::string_view message) const {
  const Key key = secretKey(seed());
  const Context context(::EVP_MD_CTX_new());
  std::string signature(kSignatureSize, '\0');
  std::size_t size = signature.size();
  if (!context || ::EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      ::EVP_DigestSign(context.get(), bytesOf(signature), &size, bytesOf(message), message.size()) != 1) {
    throw std::runtime_error("signing failed");
  }
  return signature;
}

SecretKey makeSecretKey() {
  std::string seed(kKeySize, '\0');
  if (::RAND_priv_bytes(bytesOf(seed), static_cast<int>(seed.size())) != 1) {
    throw std::runtime_error("the system has no random numbers");
  }
  SecretKey key(seed);
  wipe(seed);
  return key;
}

bool isSignatureGood(const PublicKey& key, std::string_view message, std::string_view signature) {
  if (signature.size() != kSignatureSize) return false;
  const Key known(::EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytesOf(key.bytes), key.bytes.size()));
  const Context context(::EVP_MD_CTX_new());
  return known && context && ::EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, known.get()) == 1 &&
         ::EVP_DigestVerify(context.get(), bytesOf(signature), signature.size(), bytesOf(message), message.size()) == 1;
}

std::string loginMessage(LoginBinding kind, std::string_view binding, std::string_view user) {
  return std::string(kind == LoginBinding::Exporter ? "ftpd-login-v1" : "ftpd-login-nonce-v1")
      .append(1, '\0')
      .append(binding)
      .append(user);
}

}  // namespace ft
