#include "client/verbs/get_verb.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "client/failures.h"
#include "client/transfer/parallel_gets.h"
#include "client/transfer/stream_get.h"
#include "client/transfer/tree_get.h"
#include "client/verbs/operands.h"
#include "client/verbs/put_and_get.h"
#include "common/escape.h"

namespace ft {
namespace {

std::string joined(const LocalTarget& target) {
  if (target.leaf.empty()) return target.folder;
  return target.folder == "." ? target.leaf : target.folder + "/" + target.leaf;
}

// As with scp, the last name is then meant to be a folder here; fetched as what it is, it would replace all that is.
void requireNoRootAmongSeveral(const Options& options) {
  const std::vector<std::string>& operands = options.operands;
  if (operands.size() < 2 || std::find(operands.begin(), operands.end(), "/") == operands.end()) return;
  throw UsageError(
      "one of the names is the root (. or /), which is everything on the server; to fetch into this folder, leave it "
      "out; into another one, write -o FOLDER/");
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
  if (!named && !call.options.transfer.replace && isLocalFolder(local)) folder = remoteFolder(call.link, remote);
  if (!named && !folder) {
    FolderRefusalKeeper keeper(call.output);
    TargetFolder into = TargetFolder::open(target.folder);
    ParallelGets gets(call.link, call.options.transfer, keeper, into);
    std::deque<GetJob> jobs{};
    jobs.push_back(jobFor(remote, target));
    gets.get(std::move(jobs));
    if (!keeper.refused()) return 0;
    folder = remoteFolder(call.link, remote);
    if (!folder) {
      call.output.ended(*keeper.refused());
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

void runGet(const VerbCall& call) {
  requireFileNames(call.options);
  requireNoRootAmongSeveral(call.options);
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
  tellPartsLeftOut(call.output, partsLeftOut);
  call.output.summary("fetched", labelOf(call.options));
}

}  // namespace ft
