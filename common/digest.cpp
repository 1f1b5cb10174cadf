#include "common/digest.h"

#include <openssl/evp.h>
#include <xxhash.h>
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
// The best instructions of the processor that it runs on, twice as fast as those that every x86-64 has.
#include <xxh_x86dispatch.h>
#endif

#include <algorithm>
#include <stdexcept>
#include <variant>

#include "common/hex.h"

namespace ft {
namespace {

struct DigestRow {
  DigestAlgorithm algorithm;
  std::string_view name;
  std::size_t hexSize;
};

constexpr std::array kDigestRows{
    DigestRow{DigestAlgorithm::Xxh128, "xxh128", 32},
    DigestRow{DigestAlgorithm::Md5, "md5", 32},
    DigestRow{DigestAlgorithm::Sha256, "sha256", 64},
};

const DigestRow& rowOf(DigestAlgorithm algorithm) {
  for (const DigestRow& row : kDigestRows) {
    if (row.algorithm == algorithm) return row;
  }
  throw std::logic_error("a digest algorithm without a row");
}

struct FreeAlgorithm {
  void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using EvpContext = std::unique_ptr<EVP_MD_CTX, FreeContext>;

struct FreeXxh {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
using XxhState = std::unique_ptr<XXH3_state_t, FreeXxh>;

void check(bool done) {
  if (!done) throw std::runtime_error("the digest library failed");
}

using EvpAlgorithm = std::unique_ptr<EVP_MD, FreeAlgorithm>;

// OpenSSL is started without openssl.cnf, which takes longer to read than a small file to digest. A program that has
// loaded it before, for TLS, keeps it.
EvpAlgorithm fetchAlgorithm(const char* name) {
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  EvpAlgorithm algorithm(EVP_MD_fetch(nullptr, name, nullptr));
  if (!algorithm) throw std::runtime_error("OpenSSL offers no " + std::string(name));
  return algorithm;
}

// Fetched once, on first use: a program that needs neither never starts OpenSSL.
const EVP_MD* evpAlgorithm(DigestAlgorithm algorithm) {
  if (algorithm == DigestAlgorithm::Md5) {
    static const EvpAlgorithm md5 = fetchAlgorithm("MD5");
    return md5.get();
  }
  static const EvpAlgorithm sha256 = fetchAlgorithm("SHA256");
  return sha256.get();
}

std::string hexOf(const EvpContext& context) {
  const EvpContext copy(EVP_MD_CTX_new());
  check(copy && EVP_MD_CTX_copy_ex(copy.get(), context.get()) == 1);
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(copy.get(), bytes.data(), &size) == 1);
  return toHex(std::span(bytes).first(size));
}

std::string hexOf(const XxhState& state) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state.get()));
  return toHex(canonical.digest);
}

}  // namespace

std::string_view digestName(DigestAlgorithm algorithm) { return rowOf(algorithm).name; }

std::optional<DigestAlgorithm> digestFromName(std::string_view name) {
  for (const DigestRow& row : kDigestRows) {
    if (row.name == name) return row.algorithm;
  }
  return std::nullopt;
}

std::string digestText(const DigestValue& value) {
  return value.hex.empty() ? "" : std::string(digestName(value.algorithm)) + ":" + value.hex;
}

std::size_t digestHexSize(DigestAlgorithm algorithm) { return rowOf(algorithm).hexSize; }

struct Digest::State {
  std::variant<XxhState, EvpContext> engine;
};

Digest::Digest(DigestAlgorithm algorithm) : algorithm_(algorithm), state_(std::make_unique<State>()) {
  if (algorithm == DigestAlgorithm::Xxh128) {
    XxhState state(XXH3_createState());
    check(state && XXH3_128bits_reset(state.get()) == XXH_OK);
    state_->engine = std::move(state);
  } else {
    EvpContext context(EVP_MD_CTX_new());
    check(context && EVP_DigestInit_ex2(context.get(), evpAlgorithm(algorithm), nullptr) == 1);
    state_->engine = std::move(context);
  }
}

Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::update(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (const XxhState* const xxh = std::get_if<XxhState>(&state_->engine)) {
    check(XXH3_128bits_update(xxh->get(), bytes.data(), bytes.size()) == XXH_OK);
  } else {
    const EvpContext& context = std::get<EvpContext>(state_->engine);
    check(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
  }
}

void Digest::updateZeros(std::uint64_t count) {
  static constexpr std::array<std::byte, std::size_t{64} * 1024> kZeros{};
  while (count > 0) {
    const std::size_t step = static_cast<std::size_t>(std::min<std::uint64_t>(count, kZeros.size()));
    update(std::span(kZeros).first(step));
    count -= step;
  }
}

DigestValue Digest::value() const {
  return {algorithm_, std::visit([](const auto& engine) { return hexOf(engine); }, state_->engine)};
}

DigestValue digestOf(DigestAlgorithm algorithm, std::span<const std::byte> bytes) {
  Digest digest(algorithm);
  digest.update(bytes);
  return digest.value();
}

}  // namespace ft
