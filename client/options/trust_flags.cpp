#include "client/options/trust_flags.h"

#include <CLI/CLI.hpp>

#include "client/failures.h"
#include "common/escape.h"
#include "common/tls_fingerprint.h"

namespace ft {
namespace {

constexpr const char* kGroup = "Encryption and trust";

}  // namespace

void addTrustFlags(CLI::App& app, TrustFlags& flags) {
  app.add_flag("--tls,!--no-tls", flags.tls, "Encrypt, or not (default: wherever the line leaves this machine)")
      ->group(kGroup);
  app.add_option("--ca", flags.ca, "Trust only servers whose certificate an authority in FILE has signed")
      ->type_name("FILE")
      ->group(kGroup);
  app.add_option("--pin", flags.pins, "Trust only the server with this key; may be repeated")
      ->type_name("SHA256:…")
      ->allow_extra_args(false)
      ->group(kGroup);
  app.add_flag("--accept-new", flags.acceptNew, "Trust a server that is not known yet, without asking")->group(kGroup);
  app.add_option("--cert", flags.certificate, "Certificate to show to the server")->type_name("FILE")->group(kGroup);
  app.add_option("--key", flags.key, "Its private key")->type_name("FILE")->group(kGroup);
}

void applyTrustConfig(const ClientConfig& config, TrustOptions& trust) {
  if (config.tls) {
    if (*config.tls != "yes" && *config.tls != "no") {
      throw UsageError(config.place("tls") + ": tls must be yes or no, not '" + escapeText(*config.tls, 64) + "'");
    }
    trust.tls = *config.tls == "yes";
  }
  trust.ca = config.ca.value_or("");
  trust.certificate = config.cert.value_or("");
  trust.key = config.key.value_or("");
}

void applyTrustFlags(const CLI::App& app, const TrustFlags& flags, TrustOptions& trust) {
  const bool named = !flags.ca.empty() || !flags.pins.empty() || !flags.certificate.empty() || flags.acceptNew;
  // Who names whom to trust wants to be sure of it, on a loopback address too (it may be a tunnel).
  if (named) trust.tls = true;
  if (app.count("--tls") > 0) trust.tls = flags.tls;
  if (named && trust.tls == false) {
    throw UsageError(
        "--no-tls does not go with --ca, --pin, --cert or --accept-new: without TLS there is no server identity");
  }
  if (!flags.ca.empty()) trust.ca = flags.ca;
  if (!flags.certificate.empty()) trust.certificate = flags.certificate;
  if (!flags.key.empty()) trust.key = flags.key;
  trust.acceptNew = flags.acceptNew;
  for (const std::string& pin : flags.pins) {
    const auto fingerprint = parseFingerprint(pin);
    if (!fingerprint) {
      throw UsageError("--pin '" + escapeText(pin, 100) +
                       "' is not a fingerprint: SHA256: and 43 characters, as ftpd --print-fingerprint writes it");
    }
    trust.pins.push_back(*fingerprint);
  }
}

}  // namespace ft
