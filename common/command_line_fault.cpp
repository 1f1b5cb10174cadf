#include "common/command_line_fault.h"

#include <CLI/CLI.hpp>
#include <string_view>
#include <vector>

#include "common/escape.h"
#include "common/nearest_word.h"

namespace ft {
namespace {

std::string quoted(const std::string& word) { return "'" + escapeText(word, 64) + "'"; }

// The program and its commands, as far as they were understood.
std::vector<const CLI::App*> understood(const CLI::App& app) {
  std::vector<const CLI::App*> chain{&app};
  while (!chain.back()->get_subcommands().empty()) chain.push_back(chain.back()->get_subcommands().front());
  return chain;
}

std::string withHint(const std::string& fault, const std::string& word, const std::vector<std::string>& candidates,
                     const std::string& help) {
  const std::string hint = didYouMean(word, {candidates.begin(), candidates.end()});
  return fault + (hint.empty() ? help : hint);
}

// Of letters behind one dash, the first is not known.
std::string optionAdvice(const WordAdvice& advice, const std::string& command, const std::string& name) {
  const std::string option = name.starts_with("--") ? name : name.substr(0, 2);
  const std::string text = advice ? advice(command, option) : "";
  return text.empty() ? "" : "option " + quoted(option) + " is not known" + text;
}

std::vector<std::string> optionNames(const std::vector<const CLI::App*>& chain) {
  std::vector<std::string> names;
  for (const CLI::App* const app : chain) {
    for (const CLI::Option* const option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

}  // namespace

std::string commandLineFault(const CLI::App& app, const CLI::ParseError& error, const WordAdvice& advice) {
  const std::vector<const CLI::App*> chain = understood(app);
  std::string help = "; try: ";
  for (const CLI::App* const one : chain) help += one->get_name() + " ";
  help += "--help";

  const std::vector<std::string> left = app.remaining(true);
  for (const std::string& word : left) {
    if (word.size() < 2 || !word.starts_with('-')) continue;
    const std::string name = word.substr(0, word.find('='));
    const std::string command = chain.size() > 1 ? chain.back()->get_name() : "";
    if (std::string advised = optionAdvice(advice, command, name); !advised.empty()) return advised;
    return withHint("option " + quoted(name) + " is not known", name, optionNames(chain), help);
  }
  std::vector<std::string> commands;
  for (const CLI::App* const command : chain.back()->get_subcommands({})) commands.push_back(command->get_name());
  if (!commands.empty() && left.empty()) return "no command" + help;
  if (!commands.empty()) {
    const std::string advised = advice ? advice("", left.front()) : "";
    if (!advised.empty()) return "command " + quoted(left.front()) + " is not known" + advised;
    return withHint("command " + quoted(left.front()) + " is not known", left.front(), commands, help);
  }
  if (!left.empty()) return quoted(left.front()) + " is one word too many" + help;
  return escapeText(error.what()) + help;
}

}  // namespace ft
