#pragma once
// The name of a public key: "SHA256:" and the base64 (without padding) of the SHA-256 of its SubjectPublicKeyInfo. It
// stays the same when a certificate is made anew for the same key.

#include <optional>
#include <string>
#include <string_view>

struct x509_st;

namespace ft {

std::string fingerprintOf(const x509_st* certificate);

// The same form from what a person or curl writes: with or without padding, "SHA256:" or "sha256//". nullopt for
// anything else.
std::optional<std::string> parseFingerprint(std::string_view text);

}  // namespace ft
