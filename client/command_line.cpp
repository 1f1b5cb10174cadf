#include "client/command_line.h"

#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "client/failures.h"
#include "client/options/foreign_words.h"
#include "client/options/login_flags.h"
#include "client/options/trust_flags.h"
#include "client/terminal/output.h"
#include "client/transfer/side_links.h"
#include "client/verbs/verbs.h"
#include "common/command_line_fault.h"
#include "common/escape.h"
#include "common/units.h"
#include "common/version.h"

namespace ft {
namespace {

constexpr int kMaxRetry = 1'000'000;
constexpr std::size_t kMinChunk = 512;

constexpr std::string_view kFooter =
    R"(Server: -s, else FTPC_SERVER, else `server` in [default] of ~/.config/ftpc/config, else 127.0.0.1:7021.

Exit codes:
   0 done: stored and verified       11 not logged in, or not permitted
   1 anything else                   12 integrity: a digest differs
   2 usage or configuration          13 exists, and told not to replace
   4 not found                       14 no space, quota, or too large
   5 network or time-out: try again  15 the source changed while it was read
   6 some files failed, others done  16 TLS or the server's identity
 130 / 143 interrupted               17 protocol or version
                                     18 name not allowed there)";

// The texts of options before they are checked.
struct Raw {
  std::string server, timeout, digest, chunkSize;
  int retry = -1;
  bool noClobber = false;
  bool noSync = false;
  bool version = false;
  TrustFlags trust;
};

// The help of a verb, with the usage of the table.
class VerbHelp final : public CLI::Formatter {
 public:
  explicit VerbHelp(const Verb& verb) : usage_(verb.usage) {}
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: ftpc [-s HOST[:PORT]] [OPTIONS] " + std::string(usage_) + "\n";
  }

 private:
  std::string_view usage_;
};

std::string known(const std::array<DigestAlgorithm, 3>& algorithms) {
  std::string names;
  for (const DigestAlgorithm algorithm : algorithms) {
    names += (names.empty() ? "" : ", ") + std::string(digestName(algorithm));
  }
  return names;
}

DigestAlgorithm readDigest(const std::string& text) {
  if (const auto algorithm = digestFromName(text)) return *algorithm;
  throw UsageError("digest '" + escapeText(text, 64) + "' is not known; known are " + known(kDigestAlgorithms));
}

std::chrono::milliseconds readTimeout(const std::string& text) {
  const auto time = parseDuration(text);
  if (!time || time->count() <= 0) {
    throw UsageError("time-out '" + escapeText(text, 64) + "' is not a time such as 500ms, 10s or 5m");
  }
  return *time;
}

int readRetry(const std::string& text) {
  const auto number = parseSize(text);
  if (!number || *number > kMaxRetry) throw UsageError("retry '" + escapeText(text, 64) + "' is not a small number");
  return static_cast<int>(*number);
}

std::size_t readChunkSize(const std::string& text) {
  const auto size = parseSize(text);
  if (!size || *size < kMinChunk || *size > kWireChunk) {
    throw UsageError("chunk size '" + escapeText(text, 64) + "' is not between " + writeSize(kMinChunk) + " and " +
                     writeSize(kWireChunk));
  }
  return *size;
}

void addGlobalOptions(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("-s,--server", raw.server, "The server: HOST, HOST:PORT, [V6]:PORT, unix:/PATH")
      ->type_name("HOST[:PORT]");
  app.add_flag("-q,--quiet", options.quiet, "Say nothing but errors");
  app.add_flag("-v,--verbose", options.verbose, "Say what happens to each file");
  app.add_flag("--json", options.json, "One JSON object a line on stdout, and nothing else there");
  app.add_option("--retry", raw.retry, "How often a broken connection is tried again (default 5; 0: not at all)")
      ->check(CLI::Range(0, kMaxRetry))
      ->type_name("N");
  app.add_option("--timeout", raw.timeout, "How long the server may be silent (default 60s)")->type_name("TIME");
  app.add_option("--digest", raw.digest, "xxh128, md5 or sha256")->type_name("NAME");
  app.add_option("--chunk-size", raw.chunkSize, "The unit of streaming (default " + writeSize(kChunkSize) + ")")
      ->type_name("SIZE");
  app.add_flag("--no-clobber", raw.noClobber, "Never replace a file (exit code 13)");
  app.add_flag("--no-sync", raw.noSync, "get: do not wait for the disk");
  app.add_flag("--always", options.transfer.always, "Folders: send files again that are there with that size and time");
  app.add_flag("--checksum", options.transfer.checksum, "Folders: compare such files by digest");
  app.add_option("--connections", options.transfer.connections, "How many connections carry large work")
      ->check(CLI::Range(1, static_cast<int>(SideLinks::kMaxLinks)))
      ->group("");
  addTrustFlags(app, raw.trust);
  addLoginFlags(app, options.login);
  app.add_flag("-V,--version", raw.version, "Show the version");
}

void setUp(CLI::App& app, Options& options, Raw& raw) {
  app.name("ftpc");
  app.description("ftpc " + std::string(kVersion) + ": stores and fetches files on an ftpd server.");
  app.footer(std::string(kFooter));
  app.fallthrough();
  // Otherwise an operand that is the name of a verb would be one, and take the place of the first.
  app.require_subcommand(0, 1);
  // Scripts and aliases put the usual in front of what a caller says; verbs take this over.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  addGlobalOptions(app, options, raw);
  for (const Verb& verb : verbs()) {
    CLI::App* command = app.add_subcommand(std::string(verb.name), std::string(verb.summary));
    command->fallthrough();
    command->formatter(std::make_shared<VerbHelp>(verb));
    command->add_option("operands", options.operands, std::string(verb.operands))->type_name("");
    verb.addOptions(*command, options);
  }
}

// What `read` makes of a text from `place`, which a complaint names.
template <typename Read>
auto readFrom(const std::string& place, const std::string& text, Read read) {
  try {
    return read(text);
  } catch (const UsageError& error) {
    throw UsageError(place + ": " + error.what());
  }
}

// The server that -s leaves open.
void applyServer(const ClientConfig& config, const Environment& environment, Options& options) {
  const std::string variable = environment("FTPC_SERVER").value_or("");
  if (!variable.empty()) {
    options.server = readFrom("FTPC_SERVER", variable, parseAddress);
  } else if (config.server) {
    options.server = readFrom(config.place("server"), *config.server, parseAddress);
  }
}

void applyConfig(const Environment& environment, Options& options) {
  const auto path = clientConfigPath(environment);
  ClientConfig config = path ? readClientConfig(*path) : ClientConfig{};
  expandHome(config, environment);
  if (config.retry) options.retry = readFrom(config.place("retry"), *config.retry, readRetry);
  if (config.timeout) options.timeout = readFrom(config.place("timeout"), *config.timeout, readTimeout);
  if (config.digest) options.transfer.digest = readFrom(config.place("digest"), *config.digest, readDigest);
  if (!options.serverNamed) applyServer(config, environment, options);
  applyTrustConfig(config, options.trust);
  completeLogin(config, environment, options.login);
}

void applyRaw(const CLI::App& app, const Raw& raw, Options& options) {
  options.transfer.replace = !raw.noClobber;
  options.transfer.sync = !raw.noSync;
  options.retryNamed = app.count("--retry") > 0;
  if (options.serverNamed) options.server = parseAddress(raw.server);
  options.portNamed = options.serverNamed && namesPort(raw.server);
  if (options.retryNamed) options.retry = raw.retry;
  options.transfer.beginAgain = options.retry > 0;
  if (app.count("--timeout") > 0) options.timeout = readTimeout(raw.timeout);
  if (app.count("--digest") > 0) options.transfer.digest = readDigest(raw.digest);
  if (app.count("--chunk-size") > 0) options.transfer.chunkSize = readChunkSize(raw.chunkSize);
}

// "help" and "help VERB" are other ways to write --help.
std::vector<std::string> withoutHelpVerb(std::vector<std::string> words) {
  if (words.empty() || words.front() != "help") return words;
  words.erase(words.begin());
  // Of a command that is not known, this is to be said.
  if (words.empty() || words.front().starts_with('-') || findVerb(words.front()) != nullptr) words.push_back("--help");
  return words;
}

// What is told instead of anything else: as it is, or for programs in `key` of an object.
std::string toldText(bool json, std::string_view type, std::string_view key, const std::string& text) {
  if (!json) return text;
  const auto fill = [&](JsonWriter& writer) {
    writer.key(key);
    writer.value(text);
  };
  return jsonObject(type, fill) + "\n";
}

}  // namespace

CommandLine parseCommandLine(const std::vector<std::string>& words, const Environment& environment) {
  const std::vector<std::string> arguments = withoutHelpVerb(words);
  CommandLine line;
  Raw raw;
  CLI::App app;
  setUp(app, line.options, raw);
  try {
    // CLI11 takes the arguments from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    line.text = toldText(app.count("--json") > 0, "help", "text", app.help());
    return line;
  } catch (const CLI::ParseError& error) {
    throw UsageError(commandLineFault(app, error, adviceOnWord));
  }
  if (raw.version) {
    const std::string version(kVersion);
    line.text =
        toldText(line.options.json, "version", "version", line.options.json ? version : "ftpc " + version + "\n");
    return line;
  }
  if (app.get_subcommands().empty()) throw UsageError("no command; try: ftpc put FILE, ftpc get FILE, ftpc --help");
  const CLI::App* const verb = app.get_subcommands().front();
  line.options.verb = verb->get_name();
  if (verb->get_prefix_command()) line.options.operands = verb->remaining();
  line.options.serverNamed = app.count("--server") > 0;
  applyConfig(environment, line.options);
  applyRaw(app, raw, line.options);
  applyTrustFlags(app, raw.trust, line.options.trust);
  line.options.trust.knownHosts = knownHostsPath(environment).value_or("");
  line.options.sourceDigests = sourceDigestsPath(environment).value_or("");
  return line;
}

}  // namespace ft
