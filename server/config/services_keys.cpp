#include <array>

#include "common/escape.h"
#include "common/units.h"
#include "server/config/key_tables.h"
#include "server/config/values.h"

namespace ft {
namespace {

using C = ServicesConfig;
using Form = PlainExecConfig::Form;

constexpr std::size_t kMostEchoClients = 100'000;
constexpr std::size_t kMostRate = 10'000'000;
constexpr std::size_t kMostSessions = 4096;

// Each reads or prints one member of one section: `Section` is the member of ServicesConfig, `Member` that of the
// section.

std::string expectedAddress(std::string_view text) {
  const bool whole =
      text.empty() || (text.rfind(':') != std::string_view::npos && text.rfind(':') > 0 && text.back() != ':');
  return whole ? "" : "HOST:PORT, or nothing for off";
}

template <auto Section, auto Member>
std::string parseText(std::string_view text, ServerConfig& config) {
  config.services.*Section.*Member = text;
  return "";
}

template <auto Section, auto Member>
std::string parseAddress(std::string_view text, ServerConfig& config) {
  std::string expected = expectedAddress(text);
  if (expected.empty()) config.services.*Section.*Member = text;
  return expected;
}

template <auto Section, auto Member>
std::string printText(const ServerConfig& config) {
  return config.services.*Section.*Member;
}

template <auto Section, auto Member, std::size_t Most>
std::string parseCount(std::string_view text, ServerConfig& config) {
  return readCount(text, {1, Most}, config.services.*Section.*Member);
}

template <auto Section, auto Member>
std::string printCount(const ServerConfig& config) {
  return std::to_string(config.services.*Section.*Member);
}

template <auto Section, auto Member>
std::string parseFlag(std::string_view text, ServerConfig& config) {
  return readYesNo(text, config.services.*Section.*Member);
}

template <auto Section, auto Member>
std::string printFlag(const ServerConfig& config) {
  return writeYesNo(config.services.*Section.*Member);
}

template <auto Section, auto Member>
std::string parseTime(std::string_view text, ServerConfig& config) {
  return readTime(text, std::chrono::milliseconds(0), config.services.*Section.*Member);
}

template <auto Section, auto Member>
std::string printTime(const ServerConfig& config) {
  return writeDuration(config.services.*Section.*Member);
}

std::string parseOutput(std::string_view text, ServerConfig& config) {
  return readBytes(text, config.services.plainExec.output);
}

std::string printOutput(const ServerConfig& config) { return writeSize(config.services.plainExec.output); }

constexpr std::array kForms{Word<Form>{"json", Form::Json}, Word<Form>{"text", Form::Text}};

std::string parseForm(std::string_view text, ServerConfig& config) {
  return readWord(text, kForms, config.services.plainExec.form);
}

std::string printForm(const ServerConfig& config) { return writeWord(kForms, config.services.plainExec.form); }

constexpr std::size_t kMostNameSize = 63;  // of a label (RFC 1035, 2.3.4)

std::string parseDiscoveryName(std::string_view text, ServerConfig& config) {
  if (text.size() > kMostNameSize || escapeText(text) != text) return "up to 63 bytes of readable text";
  config.services.discovery.name = text;
  return "";
}

constexpr std::array kKeys{
    ConfigKey{"echo", "tcp", "HOST:PORT of the upper-case echo over TCP; empty: off",
              parseAddress<&C::echo, &EchoConfig::tcp>, printText<&C::echo, &EchoConfig::tcp>},
    ConfigKey{"echo", "udp", "HOST:PORT of the upper-case echo over UDP; empty: off",
              parseAddress<&C::echo, &EchoConfig::udp>, printText<&C::echo, &EchoConfig::udp>},
    ConfigKey{"echo", "clients", "clients of the echo over TCP at once",
              parseCount<&C::echo, &EchoConfig::clients, kMostEchoClients>, printCount<&C::echo, &EchoConfig::clients>},
    ConfigKey{"echo", "udp_rate", "datagrams a second that are echoed to one source",
              parseCount<&C::echo, &EchoConfig::udpRate, kMostRate>, printCount<&C::echo, &EchoConfig::udpRate>},
    ConfigKey{"echo", "udp_loopback_rate", "the same for a source on loopback",
              parseCount<&C::echo, &EchoConfig::udpLoopbackRate, kMostRate>,
              printCount<&C::echo, &EchoConfig::udpLoopbackRate>},
    ConfigKey{"echo", "any_address", "yes: echo datagrams of public addresses too, and not of private networks only",
              parseFlag<&C::echo, &EchoConfig::anyAddress>, printFlag<&C::echo, &EchoConfig::anyAddress>},
    ConfigKey{"discovery", "enabled", "yes: tell the local network of this daemon (DNS-SD, _ftpc._tcp)",
              parseFlag<&C::discovery, &DiscoveryConfig::enabled>, printFlag<&C::discovery, &DiscoveryConfig::enabled>},
    ConfigKey{"discovery", "name", "what people see of it; empty: the name of the host", parseDiscoveryName,
              printText<&C::discovery, &DiscoveryConfig::name>},
    ConfigKey{"discovery", "interface", "where it is announced; empty: on all interfaces that can multicast",
              parseText<&C::discovery, &DiscoveryConfig::interface>,
              printText<&C::discovery, &DiscoveryConfig::interface>},
    ConfigKey{"plain-exec", "listen", "HOST:PORT, loopback only, of the plain command line; empty: off",
              parseAddress<&C::plainExec, &PlainExecConfig::listen>,
              printText<&C::plainExec, &PlainExecConfig::listen>},
    ConfigKey{"plain-exec", "form", "json: length, JSON header, output; text: length in decimal, and output when asked",
              parseForm, printForm},
    ConfigKey{"plain-exec", "greeting", "text that is sent on connect; empty: none",
              parseText<&C::plainExec, &PlainExecConfig::greeting>,
              printText<&C::plainExec, &PlainExecConfig::greeting>},
    ConfigKey{"plain-exec", "empty_output", "what a command without output answers; empty: total_size 0",
              parseText<&C::plainExec, &PlainExecConfig::emptyOutput>,
              printText<&C::plainExec, &PlainExecConfig::emptyOutput>},
    ConfigKey{"plain-exec", "sessions", "clients of the plain command line at once",
              parseCount<&C::plainExec, &PlainExecConfig::sessions, kMostSessions>,
              printCount<&C::plainExec, &PlainExecConfig::sessions>},
    ConfigKey{"plain-exec", "output", "most bytes of one command's output; they are held in memory", parseOutput,
              printOutput},
    ConfigKey{"plain-exec", "time", "how long one command may take; 0: no limit",
              parseTime<&C::plainExec, &PlainExecConfig::time>, printTime<&C::plainExec, &PlainExecConfig::time>},
    ConfigKey{"plain-exec", "settle", "a command has come whole when nothing more came for so long",
              parseTime<&C::plainExec, &PlainExecConfig::settle>, printTime<&C::plainExec, &PlainExecConfig::settle>},
};

}  // namespace

std::span<const ConfigKey> servicesKeys() { return kKeys; }

}  // namespace ft
