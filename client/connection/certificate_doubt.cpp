// What is wrong with a certificate, in words.

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>

#include "client/connection/tls_client.h"
#include "common/escape.h"

namespace ft {
namespace {

constexpr int kMostNames = 5;  // that a message lists

std::string dateOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
  return text.data();
}

std::string addressOf(const ASN1_OCTET_STRING& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(&address) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(&address) != 16) return "?";
  return ::inet_ntop(family, ASN1_STRING_get0_data(&address), text.data(), text.size());
}

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

std::string namesOf(const X509& certificate) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string list;
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count && i < kMostNames; ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    std::string text;
    if (name->type == GEN_DNS) {
      text.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                  static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      text = addressOf(*name->d.iPAddress);
    } else {
      continue;
    }
    list += (list.empty() ? "" : ", ") + escapeText(text, 100);
  }
  if (count > kMostNames) list += ", …";
  return list.empty() ? "no host" : list;
}

}  // namespace

std::string certificateDoubt(const x509_st& certificate, long verified, const std::string& host) {
  switch (verified) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return "its certificate expired on " + dateOf(X509_get0_notAfter(&certificate));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid before " + dateOf(X509_get0_notBefore(&certificate)) +
             " (is the clock here right?)";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is for " + namesOf(certificate) + ", not for " + escapeText(host, 100);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "its certificate is signed by itself";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "its certificate is signed by an authority that is not trusted here";
    default: return std::string("its certificate is not good: ") + X509_verify_cert_error_string(verified);
  }
}

}  // namespace ft
