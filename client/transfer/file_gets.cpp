#include "client/transfer/file_gets.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "client/failures.h"
#include "client/local/file_digest.h"
#include "client/transfer/part_sink.h"
#include "client/transfer/sign_of_life.h"
#include "common/escape.h"

namespace ft {
namespace {

// Files that the server reads in one piece; they come raw, with their digest in the reply. Longer ones come in chunks.
// Bytes.
constexpr std::uint64_t kRawFile = 128 * 1024;
// Requests that are on their way at once, and the bytes that they ask for.
constexpr std::size_t kMaxFlight = 256;
// More are asked for when so many are left, so that requests travel together. Requests.
constexpr std::size_t kFewInFlight = kMaxFlight / 2;
constexpr std::uint64_t kMaxFlightBytes = 8 << 20;

// The file is left for another way; its body is on the connection.
struct LeftFile {
  std::uint64_t size;
};

class NoSink final : public BodySink {
 public:
  void data(std::span<const std::byte>) override {}
  void hole(std::uint64_t) override {}
};

}  // namespace

void FileGets::run(std::deque<GetJob>& jobs) {
  try {
    while (!jobs.empty() || next_ || !flight_.empty()) {
      fill(jobs);
      if (flight_.empty()) continue;
      try {
        receiveNext();
      } catch (const LocalFailure& failure) {
        const Flight failed = takeFront();
        requeue(jobs);
        link_.drop();
        observer_.ended(failedOutcome(failed.job, failure));
      } catch (const LeftFile& file) {
        leaveFront(jobs, file.size);
      }
    }
  } catch (...) {
    requeue(jobs);
    group_.touch(target_.takeTouched());
    group_.commit();
    throw;
  }
  group_.touch(target_.takeTouched());
  group_.commit();
}

void FileGets::leaveFront(std::deque<GetJob>& jobs, std::uint64_t size) {
  left_.push_back(takeFront().job);
  left_.back().size = size;
  requeue(jobs);
  link_.drop();
}

void FileGets::ask(Flight flight) {
  link_.connection().queue(getHeader(flight.job.remote, flight.request));
  flightBytes_ += flight.job.size.value_or(0);
  flight_.push_back(std::move(flight));
}

FileGets::Flight FileGets::takeFront() {
  Flight flight = std::move(flight_.front());
  flight_.pop_front();
  flightBytes_ -= flight.job.size.value_or(0);
  return flight;
}

void FileGets::requeue(std::deque<GetJob>& jobs) {
  if (next_) jobs.push_front(std::move(next_->job));
  next_.reset();
  while (!flight_.empty()) {
    jobs.push_front(std::move(flight_.back().job));
    flight_.pop_back();
  }
  flightBytes_ = 0;
}

void FileGets::fill(std::deque<GetJob>& jobs) {
  if (flight_.size() > kFewInFlight) return;
  for (;;) {
    while (!next_ && !jobs.empty()) {
      next_.emplace();
      next_->job = std::move(jobs.front());
      jobs.pop_front();
      if (!prepare(*next_)) next_.reset();
    }
    if (!next_ || !fits(*next_)) return;
    if (!hashLeft(*next_)) {
      next_.reset();
      continue;
    }
    ask(std::move(*next_));
    next_.reset();
  }
}

bool FileGets::fits(const Flight& next) const {
  if (flight_.empty()) return true;
  if (next.left || !next.job.size) return false;
  if (*next.job.size > kRawFile) return flight_.size() < 2;
  return flight_.size() < kMaxFlight && flightBytes_ + *next.job.size <= kMaxFlightBytes;
}

// Refuses before the bytes what the names alone rule out.
void FileGets::requireFree(const GetJob& job) {
  if (job.free) return;
  const FolderPtr folder = target_.existing(job.folder);
  struct stat status {};
  if (!folder || ::fstatat(folder->fd.get(), job.leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  const std::string shown = escapeText(folder->path + "/" + job.leaf);
  if (!options_.replace) throw Failure(ErrorCode::Exists, shown + ": exists already here");
  if (S_ISDIR(status.st_mode)) throw Failure(ErrorCode::IsDirectory, shown + ": is a folder here");
}

bool FileGets::prepare(Flight& flight) {
  try {
    requireFree(flight.job);
    GetRequest& request = flight.request;
    request.algorithm = options_.digest.value_or(DigestAlgorithm::Xxh128);
    request.chunks = !flight.job.size || *flight.job.size > kRawFile;
    const FolderPtr folder = target_.existing(flight.job.folder);
    if (request.chunks && folder) {
      if (auto left = PartFile::openLeft(folder, flight.job.leaf)) flight.left.emplace(std::move(*left));
    }
    return true;
  } catch (const Failure& failure) {
    observer_.ended(failedOutcome(flight.job, failure));
    return false;
  }
}

bool FileGets::hashLeft(Flight& flight) {
  if (!flight.left || flight.left->size() == 0) return true;
  try {
    flight.running.emplace(flight.request.algorithm);
    hashWithSigns({flight.left->fd(), 0, flight.left->size()}, *flight.running, link_, options_.signOfLife);
    flight.request.haveSize = flight.left->size();
    flight.request.have = flight.running->value();
    return true;
  } catch (const Failure& failure) {
    if (mayPass(failure)) throw;
    observer_.ended(failedOutcome(flight.job, failure));
    return false;
  }
}

void FileGets::receiveNext() {
  Connection& connection = link_.connection();
  Flight& flight = flight_.front();
  connection.allowForDisk(std::max(flight.job.size.value_or(0), flight.request.haveSize));
  try {
    const GetReply reply = checkGetReply(connection.readHeader(), flight.job.remote, flight.request);
    if (!flight.job.size && !std::exchange(flight.job.planned, true)) observer_.planned(1, reply.size);
    if (leaveFrom_ && reply.size >= *leaveFrom_ && !flight.left) throw LeftFile{reply.size};
    receive(flight, reply);
    link_.progressed();
    takeFront();
  } catch (const LocalFailure&) {
    throw;
  } catch (const Failure& failure) {
    if (mayPass(failure)) throw;
    settleFailure(takeFront(), failure);
  }
}

void FileGets::settleFailure(Flight flight, const Failure& failure) {
  if (!again(flight, failure)) {
    observer_.ended(failedOutcome(flight.job, failure));
    return;
  }
  Flight retry;
  retry.job = std::move(flight.job);
  retry.request.algorithm = flight.request.algorithm;
  ask(std::move(retry));
}

bool FileGets::again(Flight& flight, const Failure& failure) {
  const bool resumed = flight.request.have && failure.code() == ErrorCode::Integrity;
  const bool changed = options_.beginAgain && failure.code() == ErrorCode::Changed;
  if (!changed && !resumed) return false;
  if (flight.job.tries++ >= 1) return false;
  observer_.warned(flight.job.shown + ": starting again: " + failure.what());
  return true;
}

void FileGets::receive(Flight& flight, const GetReply& reply) {
  PartFile part = openPart(flight, reply);
  part.keepForResume();
  const std::uint64_t begin = part.size();
  try {
    const Digests digests = receiveBody(flight, reply, part);
    requireSameDigest(digests.theirs, digests.ours);
    part.finish(reply.mode, reply.mtimeNs);
    FileOutcome outcome;
    outcome.name = flight.job.shown;
    outcome.size = part.size();
    outcome.resumed = begin;
    outcome.moved = outcome.size - begin;
    outcome.digest = digests.ours;
    group_.touch(target_.takeTouched());
    group_.add(std::move(part), std::move(outcome));
  } catch (const Failure&) {
    part.discard();
    throw;
  } catch (const ProtocolError&) {
    part.discard();
    throw;
  }
}

PartFile FileGets::openPart(Flight& flight, const GetReply& reply) {
  try {
    const FolderPtr folder = target_.folder(flight.job.folder);
    if (!flight.left) return newPart(flight.job, folder, reply);
    PartFile part = std::move(*flight.left);
    flight.left.reset();
    if (reply.offset == 0) part.clear();
    return part;
  } catch (const Failure& failure) {
    if (reply.size > kSmallFile) throw LocalFailure(failure);
    skipBody(reply);
    throw;
  }
}

PartFile FileGets::newPart(const GetJob& job, const FolderPtr& folder, const GetReply& reply) {
  if (reply.chunks) return PartFile::create(folder, job.leaf);
  // Written at once, a short one may have its bits from the beginning. Nothing of an earlier get is in a new folder.
  // What is synced has a name first: on some file systems (btrfs) the fsync of a file without one promises nothing.
  if (!job.inNewFolder || options_.sync) return PartFile::create(folder, job.leaf, reply.mode);
  if (!unnamed_) unnamed_ = PartFile::canBeUnnamed(*folder);
  return *unnamed_ ? PartFile::createUnnamed(folder, job.leaf, reply.mode)
                   : PartFile::create(folder, job.leaf, reply.mode);
}

FileGets::Digests FileGets::receiveBody(Flight& flight, const GetReply& reply, PartFile& part) {
  Digest left = digestOfLeft(flight, reply, part);
  const DigestAlgorithm algorithm = left.algorithm();
  flight.job.advance.reach(part.size(), observer_);
  PartSink sink(part, std::move(left), {reply.size - reply.offset, options_.sync},
                {link_, flight.job.advance, observer_});
  GetBody body(link_.connection(), reply.size - reply.offset, options_.chunkSize);
  std::optional<DigestValue> theirs = reply.digest;
  if (reply.chunks) {
    const Header trailer = body.receiveChunks(sink);
    requireAgreement(reply.stated, trailer);
    const DigestValue* same = trailer.findDigest(algorithm);
    if (same == nullptr && !trailer.digests.empty()) same = &trailer.digests.front();
    if (same != nullptr) theirs = *same;
  } else {
    body.receiveRaw(sink);
  }
  if (!theirs) throw ProtocolError("the server sent no digest of the file");
  if (theirs->algorithm == algorithm) return {*theirs, sink.finish()};
  Digest other(theirs->algorithm);
  hashFile({part.fd(), 0, part.size()}, other, link_.stop());
  return {*theirs, other.value()};
}

// The running digest of what is in the part already, by the algorithm of this body.
Digest FileGets::digestOfLeft(Flight& flight, const GetReply& reply, PartFile& part) {
  const DigestAlgorithm algorithm = reply.chunks || !reply.digest ? flight.request.algorithm : reply.digest->algorithm;
  if (part.size() > 0 && flight.running && flight.running->algorithm() == algorithm) return std::move(*flight.running);
  Digest digest(algorithm);
  hashFile({part.fd(), 0, part.size()}, digest, link_.stop());
  return digest;
}

void FileGets::skipBody(const GetReply& reply) {
  NoSink sink;
  GetBody body(link_.connection(), reply.size - reply.offset, options_.chunkSize);
  if (reply.chunks) {
    body.receiveChunks(sink);
  } else {
    body.receiveRaw(sink);
  }
}

}  // namespace ft
