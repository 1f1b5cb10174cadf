#pragma once
// What put and get have in common.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/connection/client.h"
#include "client/transfer/transfer.h"
#include "client/verbs/verb.h"

namespace ft {

// The operand that is standard input or standard output.
inline constexpr std::string_view kStream = "-";

// Throws UsageError when there is no name, or an empty one.
void requireFileNames(const Options& options);
// What the last line names: the only operand; "" where there are several.
std::string labelOf(const Options& options);
// Throws UsageError for two operands that would become the same: only the last of them would be left. Of each pair, the
// second is the operand and the first what it becomes.
void requireDifferent(std::vector<std::pair<std::string, std::string>> targets);
// A folder there; nullopt: it is something else. Throws Failure.
std::optional<RemoteInfo> remoteFolder(Link& link, const FileName& remote);
// What folders had in them that does not travel, once for a run.
void tellPartsLeftOut(Output& output, std::uint64_t count);

// Keeps back a failure that means "it is a folder there", for the verb to see, and passes everything else on.
class FolderRefusalKeeper final : public TransferObserver {
 public:
  // `code`: another code that can mean it.
  explicit FolderRefusalKeeper(TransferObserver& observer, ErrorCode code = ErrorCode::IsDirectory)
      : observer_(observer), code_(code) {}

  void planned(std::uint64_t files, std::uint64_t bytes) override { observer_.planned(files, bytes); }
  void advanced(std::uint64_t bytes) override { observer_.advanced(bytes); }
  void warned(const std::string& text) override { observer_.warned(text); }
  void ended(const FileOutcome& outcome) override {
    const std::string& code = outcome.problem.code;
    const bool folder = code == errorName(ErrorCode::IsDirectory) || code == errorName(code_);
    if (outcome.state == FileOutcome::State::Failed && folder) {
      refused_ = outcome;
    } else {
      observer_.ended(outcome);
    }
  }
  // The outcome that was kept back.
  const std::optional<FileOutcome>& refused() const { return refused_; }

 private:
  TransferObserver& observer_;
  const ErrorCode code_;
  std::optional<FileOutcome> refused_;
};

}  // namespace ft
