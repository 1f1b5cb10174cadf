#include "client/verbs/put_verb.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "client/failures.h"
#include "client/local/source_digests.h"
#include "client/transfer/parallel_puts.h"
#include "client/transfer/stream_put.h"
#include "client/transfer/tree_put.h"
#include "client/verbs/operands.h"
#include "client/verbs/put_and_get.h"
#include "common/escape.h"

namespace ft {
namespace {

// What one operand of put is.
struct PutOperand {
  std::string path;
  FileName remote = FileName::root();
  bool isFolder = false;
  std::uint64_t size = 0;
};

PutOperand lookAt(const std::string& path, const Options& options) {
  const bool several = options.operands.size() > 1;
  if (path == kStream) return {path, streamName(options.target)};
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw failureFromErrno(errno, escapeText(path));
  return {path, putName(path, options.target, several), S_ISDIR(status.st_mode),
          static_cast<std::uint64_t>(status.st_size)};
}

PutJob jobFor(const PutOperand& operand, const Options& options) {
  PutJob job;
  job.path = operand.path;
  job.remote = operand.remote;
  job.size = operand.size;
  const bool md5 = operand.size <= kMd5File && options.operands.size() <= kFewFiles;
  job.digest = options.transfer.digest.value_or(md5 ? DigestAlgorithm::Md5 : DigestAlgorithm::Xxh128);
  return job;
}

// False also where the server does not let anyone look, as in a drop box: then its first answer stands.
bool isFolderThere(const VerbCall& call, const FileName& remote) {
  try {
    return remoteFolder(call.link, remote).has_value();
  } catch (const Failure& failure) {
    if (mayPass(failure)) throw;
    return false;
  }
}

// Where one file goes whose target turned out to be a folder there; nullopt: it is none.
std::optional<FileName> insideTarget(const VerbCall& call, const PutOperand& operand, const FileOutcome& refused) {
  // Told not to replace, the server says of whatever is there that it exists.
  const bool folder = refused.problem.code == errorName(ErrorCode::IsDirectory) || isFolderThere(call, operand.remote);
  return folder ? std::optional(operand.remote.child(baseName(operand.path))) : std::nullopt;
}

// As cp does: a target that is a folder takes the file in, under its own name.
void putToTarget(const VerbCall& call, PutOperand operand) {
  FolderRefusalKeeper keeper(call.output, call.options.transfer.replace ? ErrorCode::IsDirectory : ErrorCode::Exists);
  const auto put = [&](TransferObserver& observer) {
    std::deque<PutJob> jobs{};
    jobs.push_back(jobFor(operand, call.options));
    ParallelPuts(call.link, call.options.transfer, observer).put(std::move(jobs));
  };
  put(keeper);
  if (!keeper.refused()) return;
  if (const auto inside = insideTarget(call, operand, *keeper.refused())) {
    operand.remote = *inside;
    put(call.output);
  } else {
    call.output.ended(*keeper.refused());
  }
}

void putFiles(const VerbCall& call, const std::vector<PutOperand>& operands) {
  std::deque<PutJob> jobs;
  std::uint64_t bytes = 0;
  for (const PutOperand& operand : operands) {
    if (operand.isFolder || operand.path == kStream) continue;
    jobs.push_back(jobFor(operand, call.options));
    bytes += operand.size;
  }
  if (jobs.empty()) return;
  call.output.planned(jobs.size(), bytes);
  const bool named = call.options.target && !call.options.target->empty() && !call.options.target->ends_with('/');
  if (named && operands.size() == 1) return putToTarget(call, operands.front());
  ParallelPuts(call.link, call.options.transfer, call.output).put(std::move(jobs));
}

void putStream(const VerbCall& call, const PutOperand& operand) {
  try {
    call.output.ended(StreamPut(call.link, call.options.transfer, call.output).run(STDIN_FILENO, operand.remote));
  } catch (const Failure& failure) {
    call.output.ended(failedOutcome(operand.remote.text(), failure));
  }
}

}  // namespace

void runPut(const VerbCall& given) {
  SourceDigests digests(given.options.sourceDigests);
  Options options = given.options;
  options.transfer.sourceDigests = &digests;
  const VerbCall call{options, given.link, given.output, given.stop};
  requireFileNames(call.options);
  std::vector<PutOperand> operands;
  for (const std::string& path : call.options.operands) {
    try {
      operands.push_back(lookAt(path, call.options));
    } catch (const Failure& failure) {
      call.output.ended(failedOutcome(path, failure));
    }
  }
  std::vector<std::pair<std::string, std::string>> targets;
  for (const PutOperand& operand : operands) targets.emplace_back(operand.remote.text(), operand.path);
  requireDifferent(std::move(targets));
  putFiles(call, operands);
  std::uint64_t partsLeftOut = 0;
  for (const PutOperand& operand : operands) {
    if (operand.path == kStream) {
      putStream(call, operand);
    } else if (operand.isFolder) {
      TreePut tree(call.link, call.options.transfer, call.output);
      tree.run(operand.path, operand.remote);
      partsLeftOut += tree.partsLeftOut();
    }
  }
  tellPartsLeftOut(call.output, partsLeftOut);
  call.output.summary("stored", labelOf(call.options));
}

}  // namespace ft
