#include "client/options/foreign_words.h"

#include <algorithm>
#include <array>

namespace ft {
namespace {

struct ForeignOption {
  std::string_view verb;
  std::array<std::string_view, 3> names;
  std::string_view why;  // it is not needed
};

struct ForeignCommand {
  std::string_view name;
  std::string_view instead;
};

constexpr std::string_view kFolders = "folders need no flag";
constexpr std::string_view kTimes = "times and permissions travel by default";
constexpr std::string_view kArchive = "folders need no flag, and times and permissions travel by default";

constexpr std::array kOptions{ForeignOption{"put", {"-r", "-R", "--recursive"}, kFolders},
                              ForeignOption{"get", {"-r", "-R", "--recursive"}, kFolders},
                              ForeignOption{"put", {"-p", "--preserve"}, kTimes},
                              ForeignOption{"get", {"-p", "--preserve"}, kTimes},
                              ForeignOption{"put", {"-a", "--archive"}, kArchive},
                              ForeignOption{"get", {"-a", "--archive"}, kArchive},
                              ForeignOption{"rm", {"-f", "--force"}, "rm asks no questions"},
                              ForeignOption{"mv", {"-f", "--force"}, "mv asks no questions"},
                              ForeignOption{"ls", {"-a", "-A", "--all"}, "no name is left out for its leading dot"}};

constexpr std::array kCommands{ForeignCommand{"cat", "try: ftpc get NAME -o -"},
                               ForeignCommand{"list", "did you mean 'ls'?"},
                               ForeignCommand{"dir", "did you mean 'ls'?"},
                               ForeignCommand{"del", "did you mean 'rm'?"},
                               ForeignCommand{"delete", "did you mean 'rm'?"},
                               ForeignCommand{"rmdir", "did you mean 'rm'?"},
                               ForeignCommand{"move", "did you mean 'mv'?"},
                               ForeignCommand{"rename", "did you mean 'mv'?"},
                               ForeignCommand{"upload", "did you mean 'put'?"},
                               ForeignCommand{"download", "did you mean 'get'?"},
                               ForeignCommand{"cp",
                                              "there is no copying on the server; get the file, and put it under "
                                              "the other name"},
                               ForeignCommand{"copy",
                                              "there is no copying on the server; get the file, and put it "
                                              "under the other name"}};

}  // namespace

std::string adviceOnWord(std::string_view verb, std::string_view word) {
  for (const ForeignOption& option : kOptions) {
    const bool named = std::find(option.names.begin(), option.names.end(), word) != option.names.end();
    if (named && option.verb == verb) return ", and not needed: " + std::string(option.why);
  }
  for (const ForeignCommand& command : kCommands) {
    if (verb.empty() && command.name == word) return "; " + std::string(command.instead);
  }
  return "";
}

}  // namespace ft
