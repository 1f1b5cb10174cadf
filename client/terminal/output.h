#pragma once
// What the user sees: lines for a person, or JSON objects, and the progress line. Everything from outside is escaped
// here or was before.

#include <chrono>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "client/exit_code.h"
#include "client/terminal/progress.h"
#include "client/transfer/transfer.h"
#include "common/json_writer.h"

namespace ft {

// Where it goes. Injected, so that tests read it.
struct Console {
  std::ostream& out;
  std::ostream& err;
  bool errIsTerminal = false;
  // Columns of the terminal, asked before each line.
  std::size_t (*width)() = nullptr;
  bool dumb = false;  // knows no escape sequences
};

// What --json prints: {"v":1,"type":TYPE, and what `fill` adds}.
template <typename Fill>
std::string jsonObject(std::string_view type, Fill fill) {
  std::string text;
  JsonWriter writer(text);
  writer.beginObject();
  writer.key("v");
  writer.value(std::int64_t{1});
  writer.key("type");
  writer.value(type);
  fill(writer);
  writer.endObject();
  return text;
}

class Output final : public TransferObserver {
 public:
  struct Settings {
    bool json = false;  // JSON objects instead of lines for a person
    bool quiet = false;
    bool verbose = false;
    std::string verb{};    // for programs
    std::string server{};  // for messages; not escaped
    // What a person may try after the failure of a name, for the end of its message; programs are not told.
    std::function<std::string(const std::string& name, const Problem& problem, bool first)> hint{};
  };

  Output(Console console, Settings settings);
  ~Output() override;

  // From now on data goes to stdout: no message may go there any more.
  void dataOnStdout() { dataOnStdout_ = true; }

  // --- what the transfers tell
  void planned(std::uint64_t files, std::uint64_t bytes) override;
  void advanced(std::uint64_t bytes) override;
  void ended(const FileOutcome& outcome) override;
  void warned(const std::string& text) override;

  // --- what the verbs say
  bool json() const { return settings_.json; }
  // A line of what was asked for, on stdout. As a person's output only; escaped already.
  void line(const std::string& text);
  // A line that says how something went: as line(), but not when quiet.
  void report(const std::string& text);
  // One jsonObject() on stdout.
  template <typename Fill>
  void object(std::string_view type, Fill fill) {
    write(jsonObject(type, fill));
  }
  // A failure: of the file `name`, or of the whole run when it is "". Counts for exit().
  void failed(const std::string& name, const Problem& problem);
  // The last line of put and get: `deed` is "stored" or "fetched", `label` what was done it to ("" for many).
  void summary(std::string_view deed, const std::string& label);

  // The exit code so far.
  int exit() const { return tally_.exit(); }
  Tally& tally() { return tally_; }

 private:
  using Clock = std::chrono::steady_clock;

  void error(const std::string& text);
  std::string serverText(const Problem& problem) const;
  void write(const std::string& text);
  void showFile(const FileOutcome& outcome);
  void drawProgress(bool force);
  void eraseProgress();
  // Columns that a line may take.
  std::size_t columns() const;
  std::string summaryText(std::string_view deed, const std::string& label, double seconds) const;
  void summaryObject(double seconds);

  Console console_;
  const Settings settings_;
  bool dataOnStdout_ = false;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_{};
  bool progressShown_ = false;
  ProgressLine progress_;
  Tally tally_;
  // What is told at the end.
  std::uint64_t files_ = 0, unchanged_ = 0, failed_ = 0;
  std::uint64_t bytes_ = 0, moved_ = 0, resumed_ = 0;
  std::vector<DigestValue> digests_;  // one of each algorithm; its value is told when there is one file
};

}  // namespace ft
