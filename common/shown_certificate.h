#pragma once
// What a TLS line tells of the certificate that the other side has shown.

#include <chrono>
#include <memory>

#include "common/transport.h"

struct ssl_st;
struct asn1_string_st;

namespace ft {

// Once the handshake is done; null when it showed none.
std::shared_ptr<const ShownCertificate> shownCertificate(const ssl_st* ssl);

// A moment as certificates have it; one that cannot be read has passed long ago.
std::chrono::sys_seconds momentOf(const asn1_string_st* time);

}  // namespace ft
