#pragma once
// What the configuration says about encryption: [tls].

#include <string>

namespace ft {

enum class TlsMode {
  Auto,      // TLS and plain text on the one port; plain text from this machine only
  Required,  // TLS only
  Off,       // plain text only
};

// The initial values are the built-in defaults.
struct TlsConfig {
  TlsMode mode = TlsMode::Auto;
  std::string certificate;  // PEM files; both empty: a certificate of one's own, kept in the state folder
  std::string key;
  std::string clientCa;  // PEM file; empty: names in client certificates mean nothing
  bool only13 = false;
  bool kernelTls = false;
};

}  // namespace ft
