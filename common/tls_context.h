#pragma once
// What both ends hold to whenever they speak TLS: versions, ciphers, curves, buffers. A context is shared by many
// connections and threads and is not changed once a connection uses it.

#include <memory>

struct ssl_ctx_st;

namespace ft {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

enum class TlsSide { Server, Client };

struct TlsOptions {
  bool only13 = false;     // refuse TLS 1.2
  bool kernelTls = false;  // let the kernel encrypt what is sent, where it can
};

// TLS 1.3 and 1.2 with forward secrecy and authenticated encryption only; no compression, no renegotiation, no early
// data. Throws TlsError.
TlsContext makeTlsContext(TlsSide side, const TlsOptions& options);

}  // namespace ft
