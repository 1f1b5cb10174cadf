#include "common/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

#include <array>

#include "common/error.h"

namespace ft {
namespace {

struct Words {
  int reason;
  const char* text;
};

// Where OpenSSL's own words would not help the one who reads them.
constexpr std::array kWords{
    Words{SSL_R_WRONG_VERSION_NUMBER, "the other side does not speak TLS"},
    Words{SSL_R_HTTP_REQUEST, "the other side does not speak TLS"},
    Words{SSL_R_PACKET_LENGTH_TOO_LONG, "the other side does not speak TLS"},
    Words{SSL_R_UNSUPPORTED_PROTOCOL, "the other side knows only versions of TLS that are too old"},
    Words{SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the other side accepts no version of TLS that is allowed here"},
    Words{SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the other side does not know who signed the certificate"},
    Words{SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the other side refuses the certificate"},
    Words{SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the other side says that the certificate has expired"},
    Words{SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the other side refuses the certificate"},
    Words{SSL_R_EE_KEY_TOO_SMALL, "the certificate's key is too short (RSA needs 2048 bits)"},
    Words{SSL_R_CA_KEY_TOO_SMALL, "the key of an authority in it is too short (RSA needs 2048 bits)"},
    Words{SSL_R_CA_MD_TOO_WEAK, "it is signed with a digest that is too weak, like SHA-1"},
    Words{SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "bytes were changed on the way"},
};

}  // namespace

std::string takeTlsReason() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return "unknown error";
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    for (const Words& words : kWords) {
      if (ERR_GET_REASON(error) == words.reason) return words.text;
    }
  }
  if (ERR_SYSTEM_ERROR(error)) return errorText(ERR_GET_REASON(error));
  const char* const reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

}  // namespace ft
