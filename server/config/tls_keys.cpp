#include <array>

#include "server/config/key_tables.h"
#include "server/config/values.h"

namespace ft {
namespace {

constexpr std::array kModes{Word<TlsMode>{"auto", TlsMode::Auto}, Word<TlsMode>{"required", TlsMode::Required},
                            Word<TlsMode>{"off", TlsMode::Off}};
constexpr std::array kVersions{Word<bool>{"1.2", false}, Word<bool>{"1.3", true}};

std::string parseMode(std::string_view text, ServerConfig& config) { return readWord(text, kModes, config.tls.mode); }

std::string printMode(const ServerConfig& config) { return writeWord(kModes, config.tls.mode); }

template <auto Member>
std::string parseFile(std::string_view text, ServerConfig& config) {
  return readPath(text, config.tls.*Member);
}

template <auto Member>
std::string printFile(const ServerConfig& config) {
  return config.tls.*Member;
}

std::string parseVersion(std::string_view text, ServerConfig& config) {
  return readWord(text, kVersions, config.tls.only13);
}

std::string printVersion(const ServerConfig& config) { return writeWord(kVersions, config.tls.only13); }

std::string parseKernel(std::string_view text, ServerConfig& config) { return readYesNo(text, config.tls.kernelTls); }

std::string printKernel(const ServerConfig& config) { return writeYesNo(config.tls.kernelTls); }

using T = TlsConfig;
constexpr std::array kKeys{
    ConfigKey{"tls", "mode", "auto: TLS from everywhere, and plain text from this machine; required: TLS only; off",
              parseMode, printMode},
    ConfigKey{"tls", "certificate",
              "PEM file with the certificate and its chain; empty: one is made, see [server] state",
              parseFile<&T::certificate>, printFile<&T::certificate>},
    ConfigKey{"tls", "key", "PEM file with its private key, which others must not be able to read", parseFile<&T::key>,
              printFile<&T::key>},
    ConfigKey{"tls", "client_ca", "PEM file with the authorities that sign the certificates of clients; empty: none",
              parseFile<&T::clientCa>, printFile<&T::clientCa>},
    ConfigKey{"tls", "min_version", "oldest version of TLS that is spoken: 1.2 or 1.3", parseVersion, printVersion},
    ConfigKey{"tls", "kernel", "yes: let the kernel encrypt what is sent, where it can", parseKernel, printKernel},
};

}  // namespace

std::span<const ConfigKey> tlsKeys() { return kKeys; }

}  // namespace ft
