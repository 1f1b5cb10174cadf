#pragma once
// The key and certificate that the daemon makes for itself when it is given none. Clients know it by its fingerprint,
// so the key stays the same as long as its file does; a certificate that is about to expire is made anew for the same
// key.

#include <string>

namespace ft {

struct CertificateFiles {
  std::string certificate;
  std::string key;
};

// The files tls/certificate.pem and tls/key.pem in the folder `state`; what is missing is made (folder 0700, files
// 0600, each whole or not at all; daemons that start at the same time agree on one). Throws ConfigError that names the
// file.
CertificateFiles ownCertificate(const std::string& state);

}  // namespace ft
