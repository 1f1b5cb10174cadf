#pragma once
// The options and keys that say whom to trust and whether to encrypt.

#include <string>
#include <vector>

#include "client/connection/tls_client.h"
#include "client/options/client_config.h"

namespace CLI {
class App;
}

namespace ft {

struct TrustFlags {
  bool tls = true;
  std::string ca, certificate, key;
  std::vector<std::string> pins;
  bool acceptNew = false;
};

void addTrustFlags(CLI::App& app, TrustFlags& flags);
// Both throw UsageError.
void applyTrustConfig(const ClientConfig& config, TrustOptions& trust);
void applyTrustFlags(const CLI::App& app, const TrustFlags& flags, TrustOptions& trust);

}  // namespace ft
