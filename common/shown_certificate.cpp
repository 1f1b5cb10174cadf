#include "common/shown_certificate.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace ft {
namespace {

constexpr std::size_t kMostSubject = 200;

std::string subjectOf(const X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
  if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, std::min(static_cast<std::size_t>(size), kMostSubject)};
}

std::string faultOf(long result) {
  switch (result) {
    case X509_V_OK: return "";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return "no authority that is trusted here has signed it";
    case X509_V_ERR_INVALID_PURPOSE: return "it is made for another purpose (extended key usage)";
    case X509_V_ERR_CERT_HAS_EXPIRED: return "a certificate in its chain has ended";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "a certificate in its chain has not begun";
    default: return X509_verify_cert_error_string(result);
  }
}

}  // namespace

std::chrono::sys_seconds momentOf(const asn1_string_st* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::chrono::sys_seconds::min();
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

std::shared_ptr<const ShownCertificate> shownCertificate(const ssl_st* ssl) {
  const X509* const peer = SSL_get0_peer_certificate(ssl);
  if (peer == nullptr) return nullptr;
  const long result = SSL_get_verify_result(ssl);
  ShownCertificate shown{subjectOf(peer), faultOf(result), momentOf(X509_get0_notBefore(peer)),
                         momentOf(X509_get0_notAfter(peer))};
  const STACK_OF(X509)* const chain = result == X509_V_OK ? SSL_get0_verified_chain(ssl) : nullptr;
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    const X509* const one = sk_X509_value(chain, i);
    shown.begins = std::max(shown.begins, momentOf(X509_get0_notBefore(one)));
    shown.ends = std::min(shown.ends, momentOf(X509_get0_notAfter(one)));
  }
  return std::make_shared<const ShownCertificate>(std::move(shown));
}

}  // namespace ft
