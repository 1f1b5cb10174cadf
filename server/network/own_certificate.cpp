#include "server/network/own_certificate.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include "common/error.h"
#include "common/escape.h"
#include "common/private_folder.h"
#include "common/tls_error.h"
#include "common/unique_fd.h"
#include "common/whole_file.h"

namespace ft {
namespace {

constexpr long kDay = 24 * 60 * 60;
constexpr int kValidDays = 3653;
constexpr int kRenewDays = 30;
constexpr std::size_t kLongestCommonName = 64;  // RFC 5280, ub-common-name

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;

[[noreturn]] void cannot(const char* what, const std::string& path, const std::string& reason) {
  throw ConfigError("cannot " + std::string(what) + " " + escapeText(path) + ": " + reason);
}

void require(bool done, const char* what) {
  if (!done) throw ConfigError(std::string("cannot make a certificate: ") + what + ": " + takeTlsReason());
}

void makeFolder(const std::string& path) {
  if (const std::error_code failed = makePrivateFolder(path)) cannot("make the folder", path, failed.message());
}

std::string textOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

void writeWhole(const std::string& path, std::string_view text) {
  if (const int error = replaceFile(path, text, {.mode = 0600}); error != 0) cannot("write", path, errorText(error));
}

Key readKey(const std::string& path) {
  const Bio file(BIO_new_file(path.c_str(), "r"));
  if (!file) return nullptr;
  Key key(PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr));
  if (!key) cannot("use", path, takeTlsReason() + " (without this file a new key is made, which clients do not know)");
  return key;
}

Key makeKey(const std::string& path) {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  require(key != nullptr, "key");
  const Bio text(BIO_new(BIO_s_secmem()));
  require(PEM_write_bio_PKCS8PrivateKey(text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "key");
  std::string pem = textOf(text.get());
  writeWhole(path, pem);
  OPENSSL_cleanse(pem.data(), pem.size());
  return key;
}

bool isGood(const std::string& path, EVP_PKEY* key) {
  const Bio file(BIO_new_file(path.c_str(), "r"));
  const Certificate certificate(file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate || X509_check_private_key(certificate.get(), key) != 1) return false;
  int days = 0;
  int seconds = 0;
  return ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) == 1 && days >= kRenewDays;
}

void addExtension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

void setSerial(X509* certificate) {
  constexpr int kSerialBits = 127;
  const std::unique_ptr<BIGNUM, Deleter<BN_free>> number(BN_new());
  require(number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1, "serial number");
  require(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr, "serial number");
}

bool isHostName(std::string_view name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
                              std::string_view::npos;
}

void makeCertificate(const std::string& path, EVP_PKEY* key) {
  std::array<char, 256> buffer{};
  ::gethostname(buffer.data(), buffer.size() - 1);
  const std::string host = isHostName(buffer.data()) ? buffer.data() : "localhost";
  const Certificate certificate(X509_new());
  X509* const raw = certificate.get();
  require(raw != nullptr && X509_set_version(raw, X509_VERSION_3) == 1, "version");
  setSerial(raw);
  // A day back: the clocks of clients differ.
  X509_gmtime_adj(X509_getm_notBefore(raw), -kDay);
  X509_time_adj_ex(X509_getm_notAfter(raw), kValidDays, 0, nullptr);
  X509_NAME* const name = X509_get_subject_name(raw);
  const std::string common = host.substr(0, kLongestCommonName);
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common.data()),
                                     static_cast<int>(common.size()), -1, 0) == 1,
          "name");
  require(X509_set_issuer_name(raw, name) == 1 && X509_set_pubkey(raw, key) == 1, "name");
  addExtension(raw, NID_basic_constraints, "critical,CA:FALSE");
  addExtension(raw, NID_key_usage, "critical,digitalSignature");
  addExtension(raw, NID_ext_key_usage, "serverAuth");
  addExtension(raw, NID_subject_alt_name,
               (host == "localhost" ? "" : "DNS:" + host + ",") + "DNS:localhost,IP:127.0.0.1,IP:::1");
  require(X509_sign(raw, key, EVP_sha256()) > 0, "signature");
  const Bio text(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(text.get(), raw) == 1, "certificate");
  writeWhole(path, textOf(text.get()));
}

}  // namespace

CertificateFiles ownCertificate(const std::string& state) {
  if (state.empty()) throw ConfigError("there is no folder for the daemon's own certificate; name one: [server] state");
  makeFolder(state);
  const std::string folder = state + "/tls";
  makeFolder(folder);
  const UniqueFd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0) cannot("lock", folder, errorText(errno));
  CertificateFiles files{folder + "/certificate.pem", folder + "/key.pem"};
  Key key = readKey(files.key);
  if (!key) {
    if (::access(files.key.c_str(), F_OK) == 0) cannot("read", files.key, errorText(errno));
    key = makeKey(files.key);
  }
  if (!isGood(files.certificate, key.get())) makeCertificate(files.certificate, key.get());
  return files;
}

}  // namespace ft
