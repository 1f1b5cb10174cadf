// The daemon's configuration file: any text is refused with a ConfigError or accepted, and what is accepted prints as a
// file that means the same.

#include "common/error.h"
#include "server/config/config.h"
#include "tests/fuzz/input.h"

namespace {

std::string printed(std::string_view text) {
  std::vector<ft::ConfigSetting> settings;
  for (ft::IniEntry& entry : ft::parseIni(text, "f.conf")) {
    settings.push_back({std::move(entry.section), std::move(entry.key), std::move(entry.value),
                        "f.conf:" + std::to_string(entry.line)});
  }
  return ft::printConfig(ft::buildConfig(settings, {{"HOME", "/home/someone"}}));
}

// Without the comments, which tell where each value came from.
std::string values(const std::string& ini) {
  std::string kept;
  for (const ft::IniEntry& entry : ft::parseIni(ini, "printed"))
    kept += entry.section + "." + entry.key + "=" + entry.value + "\n";
  return kept;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string once = printed(ft::fuzz::textOf(data, size));
    ft::fuzz::require(values(printed(once)) == values(once));
  } catch (const ft::ConfigError& error) {
    ft::fuzz::require(error.what()[0] != '\0');
  }
  return 0;
}
