#pragma once
// The daemon's side of TLS: its certificate, read anew when its files change, and the context that new connections use.
// Connections that are open keep the context they began with.

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/tls_context.h"
#include "server/config/moment.h"
#include "server/config/tls_config.h"

namespace ft {

class ServerTls {
 public:
  // Reads the files that `config` names, or those of its own in the folder `state`, which are made where they are
  // missing. Throws ConfigError that names the key and the file.
  ServerTls(TlsConfig config, std::string state);
  ~ServerTls();

  // For a connection that begins its handshake. Any thread.
  TlsContext context() const;
  // Of the key that new connections see.
  std::string fingerprint() const;

  // Why clients will not take the certificate at this time, naming the file: it has ended, or not begun. Empty: no such
  // reason. Any thread.
  std::string doubt() const;

  // Reads the files again. Throws ConfigError, and the old ones stay in use, also where a certificate that is valid now
  // would be replaced by one that is not. One thread.
  void reload();
  // Have they changed since they were last read, and come to rest since the last call? For a caller that asks now and
  // then. One thread.
  bool filesChanged();

 private:
  struct Loaded {
    TlsContext context;
    std::string fingerprint;
    std::string file;
    Moment begins, ends;  // of the certificate and those of its chain
  };
  // What tells that a file was replaced or written.
  struct Stamp {
    std::string path;
    std::string version;
    bool operator==(const Stamp&) const = default;
  };

  static std::string doubtOf(const Loaded& loaded);
  std::shared_ptr<const Loaded> load();
  std::shared_ptr<const Loaded> loaded() const;
  std::vector<Stamp> stamps() const;

  const TlsConfig config_;
  const std::string state_;
  std::vector<std::string> files_;
  std::vector<Stamp> stamps_;  // when they were last read
  std::vector<Stamp> seen_;    // when filesChanged() last looked
  mutable std::mutex mutex_;
  // Under mutex_: the atomic one of GCC 12 has a load that does not order what follows.
  std::shared_ptr<const Loaded> loaded_;
};

}  // namespace ft
