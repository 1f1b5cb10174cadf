#include "server/config/tls_keys.h"

#include <array>
#include <utility>

#include "server/config/values.h"

namespace ft {
namespace {

constexpr std::array<std::pair<std::string_view, TlsMode>, 3> kModes{
    {{"auto", TlsMode::Auto}, {"required", TlsMode::Required}, {"off", TlsMode::Off}}};

std::string parseMode(std::string_view text, ServerConfig& config) {
  for (const auto& [name, mode] : kModes) {
    if (name != text) continue;
    config.tls.mode = mode;
    return "";
  }
  return "auto, required or off";
}

std::string printMode(const ServerConfig& config) {
  for (const auto& [name, mode] : kModes) {
    if (mode == config.tls.mode) return std::string(name);
  }
  return "";
}

template <auto Member>
std::string parseFile(std::string_view text, ServerConfig& config) {
  if (text.starts_with('~')) return "a whole path: '~' is not expanded here";
  config.tls.*Member = text;
  return "";
}

template <auto Member>
std::string printFile(const ServerConfig& config) {
  return config.tls.*Member;
}

std::string parseVersion(std::string_view text, ServerConfig& config) {
  if (text != "1.2" && text != "1.3") return "1.2 or 1.3";
  config.tls.only13 = text == "1.3";
  return "";
}

std::string printVersion(const ServerConfig& config) { return config.tls.only13 ? "1.3" : "1.2"; }

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
