#include "common/exec_settings.h"

#include <regex.h>

#include <algorithm>
#include <array>

#include "common/escape.h"
#include "common/nearest_word.h"
#include "common/units.h"

namespace ft {
namespace {

constexpr std::string_view kSectionPrefix = "exec.";
constexpr std::uint64_t kMostSessions = 4096;
constexpr std::uint64_t kMostArgs = 1024;
constexpr std::uint64_t kMostProcesses = 100'000;

// What a fault says the value should have been; "" when it was fine.
using Expected = std::string;

Expected readCount(const std::string& text, std::uint64_t most, std::uint64_t& into) {
  const auto number = parseNumber(text);
  if (!number || *number > most) return "a number up to " + std::to_string(most);
  into = *number;
  return {};
}

Expected readSize(const std::string& text, std::uint64_t& into) {
  const auto size = parseSize(text);
  if (!size) return "a size such as 64MiB";
  into = *size;
  return {};
}

Expected readTime(const std::string& text, std::chrono::milliseconds& into) {
  const auto time = parseDuration(text);
  if (!time) return "a time such as 10s";
  into = *time;
  return {};
}

Expected readPeers(const std::string& text, ExecPeers& into) {
  if (text == "loopback")
    into = ExecPeers::Loopback;
  else if (text == "private")
    into = ExecPeers::Private;
  else if (text == "any")
    into = ExecPeers::Any;
  else
    return "loopback, private or any";
  return {};
}

Expected readMode(const std::string& text, bool& shell) {
  if (text != "named" && text != "shell") return "named or shell";
  shell = text == "shell";
  return {};
}

Expected readPath(const std::string& text, std::string& into) {
  if (!text.empty() && text.front() != '/') return "an absolute path";
  into = text;
  return {};
}

Expected readEnvironment(const std::string& text, std::vector<std::string>& into) {
  const auto words = splitWords(text);
  const auto assigns = [](const std::string& word) {
    return word.find('=') != std::string::npos && word.front() != '=';
  };
  if (!words || !std::all_of(words->begin(), words->end(), assigns)) return "NAME=VALUE, separated by spaces";
  into = *words;
  return {};
}

Expected readRun(const std::string& text, std::vector<std::string>& into) {
  const auto words = splitWords(text);
  if (!words || words->empty() || !words->front().starts_with('/'))
    return "the absolute path of a program, and arguments";
  into = *words;
  return {};
}

Expected readPattern(const std::string& text, std::string& into) {
  regex_t compiled;
  if (::regcomp(&compiled, text.c_str(), REG_EXTENDED | REG_NOSUB) != 0) return "an extended regular expression";
  ::regfree(&compiled);
  into = text;
  return {};
}

// One key: what it sets in the defaults ([exec]) and in a command ([exec.NAME]); null where it does not stand there.
struct Key {
  std::string_view name;
  Expected (*common)(const std::string&, ExecSettings&);
  Expected (*command)(const std::string&, ExecCommand&);
};

constexpr std::array kKeys{
    Key{"mode", [](const std::string& v, ExecSettings& s) { return readMode(v, s.shell); }, nullptr},
    Key{"user",
        [](const std::string& v, ExecSettings& s) {
          s.user = v;
          return Expected();
        },
        nullptr},
    Key{"peer_user",
        [](const std::string& v, ExecSettings& s) {
          s.peerUser = v;
          return Expected();
        },
        nullptr},
    Key{"socket", [](const std::string& v, ExecSettings& s) { return readPath(v, s.socket); }, nullptr},
    Key{"program", [](const std::string& v, ExecSettings& s) { return readPath(v, s.program); }, nullptr},
    Key{"sessions", [](const std::string& v, ExecSettings& s) { return readCount(v, kMostSessions, s.sessions); },
        nullptr},
    Key{"run", nullptr, [](const std::string& v, ExecCommand& c) { return readRun(v, c.run); }},
    Key{"args", nullptr, [](const std::string& v, ExecCommand& c) { return readPattern(v, c.args); }},
    Key{"max_args", nullptr, [](const std::string& v, ExecCommand& c) { return readCount(v, kMostArgs, c.maxArgs); }},
    Key{"folder", nullptr, [](const std::string& v, ExecCommand& c) { return readPath(v, c.folder); }},
    Key{"from", [](const std::string& v, ExecSettings& s) { return readPeers(v, s.from); },
        [](const std::string& v, ExecCommand& c) { return readPeers(v, c.from); }},
    Key{"time", [](const std::string& v, ExecSettings& s) { return readTime(v, s.limits.time); },
        [](const std::string& v, ExecCommand& c) { return readTime(v, c.limits.time); }},
    Key{"memory", [](const std::string& v, ExecSettings& s) { return readSize(v, s.limits.memory); },
        [](const std::string& v, ExecCommand& c) { return readSize(v, c.limits.memory); }},
    Key{"output", [](const std::string& v, ExecSettings& s) { return readSize(v, s.limits.output); },
        [](const std::string& v, ExecCommand& c) { return readSize(v, c.limits.output); }},
    Key{"processes",
        [](const std::string& v, ExecSettings& s) { return readCount(v, kMostProcesses, s.limits.processes); },
        [](const std::string& v, ExecCommand& c) { return readCount(v, kMostProcesses, c.limits.processes); }},
    Key{"encoding",
        [](const std::string& v, ExecSettings& s) {
          s.encoding = v;
          return Expected();
        },
        [](const std::string& v, ExecCommand& c) {
          c.encoding = v;
          return Expected();
        }},
    Key{"environment", [](const std::string& v, ExecSettings& s) { return readEnvironment(v, s.environment); },
        [](const std::string& v, ExecCommand& c) { return readEnvironment(v, c.environment); }},
};

// Applies one entry with `set`, the function of its key for this kind of section. "", or what is wrong.
template <typename Target>
std::string apply(const IniEntry& entry, Expected (*set)(const std::string&, Target&), Target& target) {
  if (set == nullptr) {
    return "unknown key '" + entry.key + "' in [" + entry.section + "]" +
           didYouMean(entry.key, execKeys(entry.section));
  }
  const Expected expected = set(entry.value, target);
  if (expected.empty()) return {};
  return "'" + entry.key + "' must be " + expected + ", not '" + escapeText(entry.value, 80) + "'";
}

const Key* findKey(std::string_view name) {
  const auto found = std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& key) { return key.name == name; });
  return found == kKeys.end() ? nullptr : &*found;
}

ExecCommand& commandOf(const std::string& section, ExecSettings& settings) {
  const std::string name = section.substr(kSectionPrefix.size());
  for (ExecCommand& command : settings.commands) {
    if (command.name == name) return command;
  }
  ExecCommand command;
  command.name = name;
  command.from = settings.from;
  command.limits = settings.limits;
  command.encoding = settings.encoding;
  command.environment = settings.environment;
  return settings.commands.emplace_back(std::move(command));
}

}  // namespace

const ExecCommand* ExecSettings::find(std::string_view name) const {
  const auto found =
      std::find_if(commands.begin(), commands.end(), [&](const ExecCommand& c) { return c.name == name; });
  return found == commands.end() ? nullptr : &*found;
}

bool isExecSection(std::string_view section) {
  return section == "exec" || (section.starts_with(kSectionPrefix) && section.size() > kSectionPrefix.size());
}

std::vector<std::string_view> execKeys(std::string_view section) {
  std::vector<std::string_view> names;
  for (const Key& key : kKeys) {
    if (section == "exec" ? key.common != nullptr : key.command != nullptr) names.push_back(key.name);
  }
  return names;
}

ExecSettings readExecSettings(const std::vector<IniEntry>& entries, const std::string& root,
                              std::vector<ExecFault>& faults) {
  ExecSettings settings;
  settings.root = root;
  const auto note = [&](std::size_t entry, std::string reason) {
    if (!reason.empty()) faults.push_back({entry, std::move(reason)});
  };
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].section != "exec") continue;
    const Key* const key = findKey(entries[i].key);
    note(i, apply(entries[i], key == nullptr ? nullptr : key->common, settings));
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].section == "exec" || !isExecSection(entries[i].section)) continue;
    const Key* const key = findKey(entries[i].key);
    note(i, apply(entries[i], key == nullptr ? nullptr : key->command, commandOf(entries[i].section, settings)));
  }
  for (const ExecCommand& command : settings.commands) {
    const auto first = std::find_if(entries.begin(), entries.end(), [&](const IniEntry& entry) {
      return entry.section == std::string(kSectionPrefix) + command.name;
    });
    if (command.run.empty())
      note(static_cast<std::size_t>(first - entries.begin()), "[exec." + command.name + "] needs 'run'");
  }
  return settings;
}

std::optional<std::vector<std::string>> splitWords(std::string_view text) {
  std::vector<std::string> words;
  char quote = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\t';
    if (quote == 0 && space) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return std::nullopt;
  return words;
}

}  // namespace ft
