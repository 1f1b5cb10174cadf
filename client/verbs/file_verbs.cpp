#include "client/verbs/file_verbs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "client/failures.h"
#include "client/transfer/parallel_gets.h"
#include "client/transfer/parallel_puts.h"
#include "client/transfer/stream_get.h"
#include "client/transfer/stream_put.h"
#include "client/transfer/tree_get.h"
#include "client/transfer/tree_put.h"
#include "client/verbs/operands.h"
#include "client/verbs/verb.h"
#include "common/escape.h"

namespace ft {
namespace {

constexpr std::string_view kStream = "-";

void requireOperands(const VerbCall& call) {
  const std::vector<std::string>& operands = call.options.operands;
  if (operands.empty()) throw UsageError(call.options.verb + " needs the name of a file");
  // Mostly a variable that was not set; for get it would mean all there is.
  if (std::find(operands.begin(), operands.end(), "") != operands.end()) throw UsageError("a name is empty");
}

std::string labelOf(const VerbCall& call) {
  if (call.options.operands.size() != 1) return "";
  const std::string& operand = call.options.operands.front();
  return operand == kStream ? call.options.target.value_or("") : operand;
}

// Tells the verb of a failure that means "it is a folder there", and passes everything else on.
class FolderNotice final : public TransferObserver {
 public:
  // `code`: another code that can mean it.
  explicit FolderNotice(TransferObserver& observer, ErrorCode code = ErrorCode::IsDirectory)
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
  // The outcome that was held back.
  const std::optional<FileOutcome>& refused() const { return refused_; }

 private:
  TransferObserver& observer_;
  const ErrorCode code_;
  std::optional<FileOutcome> refused_;
};

// A folder there; nullopt: it is something else.
std::optional<RemoteInfo> remoteFolder(const VerbCall& call, const FileName& remote) {
  const RemoteInfo info = call.link.persist([&] { return call.link.client().stat(remote); });
  return info.type == RemoteType::Folder ? std::optional(info) : std::nullopt;
}

// What folders had in them that does not travel, once for a run.
void tellPartsLeftOut(const VerbCall& call, std::uint64_t count) {
  if (count == 0) return;
  call.output.warned("left out " + std::to_string(count) + (count == 1 ? " file" : " files") +
                     " named .*.ftpc-part: such names are for what ftpc has not fetched completely");
}

// --- put

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

// Two operands for one name would leave only the last of them.
void requireDifferent(std::vector<std::pair<std::string, std::string>> targets) {
  std::sort(targets.begin(), targets.end());
  const auto same = std::adjacent_find(targets.begin(), targets.end(),
                                       [](const auto& a, const auto& b) { return a.first == b.first; });
  if (same == targets.end()) return;
  throw UsageError("'" + escapeText(same->second) + "' and '" + escapeText(std::next(same)->second) +
                   "' would both become '" + escapeText(same->first) + "'");
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

// Where one file goes whose target turned out to be a folder there; nullopt: it is none.
std::optional<FileName> insideTarget(const VerbCall& call, const PutOperand& operand, const FileOutcome& refused) {
  // Told not to replace, the server says of whatever is there that it exists.
  const bool folder = refused.problem.code == errorName(ErrorCode::IsDirectory) || remoteFolder(call, operand.remote);
  return folder ? std::optional(operand.remote.child(baseName(operand.path))) : std::nullopt;
}

// As cp does: a target that is a folder takes the file in, under its own name.
void putToTarget(const VerbCall& call, PutOperand operand) {
  FolderNotice notice(call.output, call.options.transfer.replace ? ErrorCode::IsDirectory : ErrorCode::Exists);
  const auto put = [&](TransferObserver& observer) {
    std::deque<PutJob> jobs{};
    jobs.push_back(jobFor(operand, call.options));
    ParallelPuts(call.link, call.options.transfer, observer).put(std::move(jobs));
  };
  put(notice);
  if (!notice.refused()) return;
  if (const auto inside = insideTarget(call, operand, *notice.refused())) {
    operand.remote = *inside;
    put(call.output);
  } else {
    call.output.ended(*notice.refused());
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

// --- get

bool isLocalFolder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string joined(const LocalTarget& target) {
  if (target.leaf.empty()) return target.folder;
  return target.folder == "." ? target.leaf : target.folder + "/" + target.leaf;
}

// Where each operand goes to; of names that are not allowed the error comes later, in their turn.
std::vector<std::pair<std::string, std::string>> getTargets(const Options& options) {
  std::vector<std::pair<std::string, std::string>> targets;
  for (const std::string& operand : options.operands) {
    try {
      targets.emplace_back(joined(localTarget(remoteName(operand), options.output, options.operands.size() > 1)),
                           operand);
    } catch (const Failure&) {
      continue;
    }
  }
  return targets;
}

// Under such a name lies, or will lie, what has come of another file.
void requireNoPart(const std::string& local, const std::string& operand) {
  const std::string leaf = local.substr(local.rfind('/') + 1);
  if (!isPartName(leaf)) return;
  throw Failure(ErrorCode::NameInvalid, escapeText(operand) + ": the local name '" + escapeText(leaf) +
                                            "' is of the form .*.ftpc-part, which is for what ftpc has not fetched "
                                            "completely; give another one: -o NAME");
}

GetJob jobFor(const FileName& remote, const LocalTarget& target) {
  GetJob job;
  job.remote = remote;
  job.leaf = target.leaf;
  job.shown = remote.text();
  return job;
}

// How many files were left out that have the names of parts.
std::uint64_t getOne(const VerbCall& call, const std::string& operand) {
  const FileName remote = remoteName(operand);
  const bool several = call.options.operands.size() > 1;
  const LocalTarget target = localTarget(remote, call.options.output, several);
  const std::string local = joined(localFolder(remote, call.options.output, several));
  const bool named = remote.isRoot() || operand.ends_with('/');
  std::optional<RemoteInfo> folder;
  // Told not to replace, a get of a file is refused for what is here, before the server is asked what it has.
  if (!named && !call.options.transfer.replace && isLocalFolder(local)) folder = remoteFolder(call, remote);
  if (!named && !folder) {
    FolderNotice notice(call.output);
    TargetFolder into = TargetFolder::open(target.folder);
    ParallelGets gets(call.link, call.options.transfer, notice, into);
    std::deque<GetJob> jobs{};
    jobs.push_back(jobFor(remote, target));
    gets.get(std::move(jobs));
    if (!notice.refused()) return 0;
    folder = remoteFolder(call, remote);
    if (!folder) {
      call.output.ended(*notice.refused());
      return 0;
    }
  }
  TreeGet tree(call.link, call.options.transfer, call.output);
  tree.run(remote, local, folder);
  return tree.partsLeftOut();
}

void getToStream(const VerbCall& call, const std::string& operand, int fd) {
  GetJob job;
  job.remote = remoteName(operand);
  job.shown = operand;
  if (job.remote.isRoot()) throw Failure(ErrorCode::IsDirectory, "the root is a folder");
  call.output.ended(StreamGet(call.link, call.options.transfer, call.output).run(fd, std::move(job)));
}

// Opens a device or a pipe, and waits until somebody reads from the pipe.
UniqueFd openToWrite(const std::string& path, bool pipe, const StopRequest& stop) {
  // No descriptor tells that a reader has come.
  constexpr std::chrono::milliseconds kLook{20};
  for (;;) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (fd) {
      ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
      return fd;
    }
    if (!pipe || errno != ENXIO) throw failureFromErrno(errno, escapeText(path));
    stop.pause(kLook);
  }
}

// A device or a pipe that -o names is written to, never replaced by a file.
UniqueFd openStreamTarget(const std::optional<std::string>& output, const StopRequest& stop) {
  struct stat status {};
  if (!output || output->ends_with('/') || ::stat(output->c_str(), &status) != 0 || S_ISDIR(status.st_mode)) return {};
  if (S_ISREG(status.st_mode) && !output->starts_with("/dev/") && !output->starts_with("/proc/")) return {};
  return openToWrite(*output, S_ISFIFO(status.st_mode), stop);
}

// Another way to write "-": /dev/stdout, /dev/fd/1.
bool isStdout(int fd) {
  struct stat given {};
  struct stat out {};
  return ::fstat(fd, &given) == 0 && ::fstat(STDOUT_FILENO, &out) == 0 && given.st_dev == out.st_dev &&
         given.st_ino == out.st_ino;
}

}  // namespace

void runPut(const VerbCall& call) {
  requireOperands(call);
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
  tellPartsLeftOut(call, partsLeftOut);
  call.output.summary("stored", labelOf(call));
}

void runGet(const VerbCall& call) {
  requireOperands(call);
  const bool toStdout = call.options.output == kStream;
  if (toStdout && call.options.json) throw UsageError("-o - and --json both want stdout");
  const UniqueFd stream = toStdout ? UniqueFd() : openStreamTarget(call.options.output, call.stop);
  if (toStdout || isStdout(stream.get())) call.output.dataOnStdout();
  const int fd = toStdout ? STDOUT_FILENO : stream.get();
  if (fd < 0) {
    const auto targets = getTargets(call.options);
    for (const auto& [local, operand] : targets) requireNoPart(local, operand);
    requireDifferent(targets);
  }
  std::uint64_t partsLeftOut = 0;
  for (const std::string& operand : call.options.operands) {
    try {
      if (fd >= 0) {
        getToStream(call, operand, fd);
      } else {
        partsLeftOut += getOne(call, operand);
      }
    } catch (const Failure& failure) {
      if (mayPass(failure)) throw;
      call.output.ended(failedOutcome(operand, failure));
    }
  }
  tellPartsLeftOut(call, partsLeftOut);
  call.output.summary("fetched", labelOf(call));
}

}  // namespace ft
