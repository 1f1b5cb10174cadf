#pragma once
// Ed25519 keys (RFC 8032), and the text that a log-in signs. Public keys are written as OpenSSH writes them.

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace ft {

struct PublicKey {
  std::string bytes;  // 32
  bool operator==(const PublicKey&) const = default;
};

// "ssh-ed25519 AAAA…": OpenSSH's form, without the comment.
std::string writePublicKey(const PublicKey& key);
// The same with or without a comment behind it. nullopt for anything else.
std::optional<PublicKey> readPublicKey(std::string_view text);
// The bytes that stand for it in SSH's key files and messages.
std::string keyBlob(const PublicKey& key);
// "SHA256:…", as ssh-keygen -l tells it.
std::string keyFingerprint(const PublicKey& key);

// A secret key; its bytes are wiped when it goes.
class SecretKey {
 public:
  // `seed`: 32 bytes, which the caller wipes. Throws std::runtime_error.
  explicit SecretKey(std::string_view seed);
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  SecretKey(SecretKey&&) = default;
  ~SecretKey();

  const PublicKey& publicKey() const { return public_; }
  std::string_view seed() const { return {seed_.data(), seed_.size()}; }
  // 64 bytes.
  std::string sign(std::string_view message) const;

 private:
  std::array<char, 32> seed_{};
  PublicKey public_;
};

// A fresh one, from the system's random numbers.
SecretKey makeSecretKey();
bool isSignatureGood(const PublicKey& key, std::string_view message, std::string_view signature);

// What ties a log-in to one connection: kLoginBindingSize bytes that TLS has made of its secrets, or that the server
// has chosen. Never the one for the other, or a server could have signed for it what lets it in elsewhere.
enum class LoginBinding { Exporter, Nonce };
// What the holder of a key signs to log in (PROTOCOL.md 5.11).
std::string loginMessage(LoginBinding kind, std::string_view binding, std::string_view user);

}  // namespace ft
