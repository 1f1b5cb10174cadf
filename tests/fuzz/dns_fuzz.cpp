// Answers by multicast DNS: any bytes are either refused or read within bounds, what was read and can be written reads
// the same again, and the daemon's and the client's side of discovery bear it.

#include "client/connection/findings.h"
#include "common/dns_message.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = ft::parseDnsMessage(std::as_bytes(std::span(data, size)));
  if (!read) return 0;
  ft::fuzz::require(read->questions.size() <= 64 && read->answers.size() + read->additional.size() <= 256);
  ft::Findings findings;
  for (unsigned interface = 1; interface < 3; ++interface) findings.add(*read, interface);
  ft::fuzz::require(findings.daemons().size() <= 256 && findings.missing().size() <= 40);
  const auto written = ft::writeDnsMessage(*read);
  if (!written) return 0;
  const auto again = ft::parseDnsMessage(*written);
  ft::fuzz::require(again.has_value());
  ft::fuzz::require(again->questions.size() == read->questions.size());
  ft::fuzz::require(again->answers.size() == read->answers.size());
  ft::fuzz::require(again->additional.size() == read->additional.size());
  for (std::size_t i = 0; i < read->answers.size(); ++i) {
    ft::fuzz::require(again->answers[i].name == read->answers[i].name);
    ft::fuzz::require(again->answers[i].target == read->answers[i].target);
    ft::fuzz::require(again->answers[i].type != ft::DnsType::Txt || again->answers[i].ttl == read->answers[i].ttl);
  }
  return 0;
}
