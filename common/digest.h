#pragma once
// Incremental digests by name. MD5 (RFC 1321) and SHA-256 (FIPS 180-4) by OpenSSL's EVP, XXH128 (XXH3, canonical
// big-endian) by libxxhash. One object belongs to one thread at a time.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ft {

enum class DigestAlgorithm : std::uint8_t { Xxh128, Md5, Sha256 };

// Best first: what hello announces and what an end without a wish of its own takes.
inline constexpr std::array kDigestAlgorithms{DigestAlgorithm::Xxh128, DigestAlgorithm::Md5, DigestAlgorithm::Sha256};

// "xxh128", "md5", "sha256": as on the wire, on the command line and in messages.
std::string_view digestName(DigestAlgorithm algorithm);
std::optional<DigestAlgorithm> digestFromName(std::string_view name);
// Hex digits of a digest of this algorithm: 32, 32, 64.
std::size_t digestHexSize(DigestAlgorithm algorithm);

// A digest in lower-case hex.
struct DigestValue {
  DigestAlgorithm algorithm{};
  std::string hex;
  bool operator==(const DigestValue&) const = default;
};

// "md5:…", for logs; "" for a value that was never taken.
std::string digestText(const DigestValue& value);

class Digest {
 public:
  explicit Digest(DigestAlgorithm algorithm);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  DigestAlgorithm algorithm() const { return algorithm_; }
  void update(std::span<const std::byte> bytes);
  // The same as update() with `count` zero bytes, without needing them in memory.
  void updateZeros(std::uint64_t count);
  // The digest of all bytes so far; may be called at any time, and update() may go on after it.
  DigestValue value() const;

 private:
  struct State;
  DigestAlgorithm algorithm_;
  std::unique_ptr<State> state_;
};

// One-shot, for bytes in memory.
DigestValue digestOf(DigestAlgorithm algorithm, std::span<const std::byte> bytes);

}  // namespace ft
