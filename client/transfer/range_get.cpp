#include "client/transfer/range_get.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <utility>

#include "client/connection/reply.h"
#include "client/failures.h"
#include "client/local/file_digest.h"
#include "client/transfer/fetched_group.h"
#include "client/transfer/get_body.h"
#include "common/whole_file.h"

namespace ft {
namespace {

// Requests on their way on one connection.
constexpr std::size_t kDepth = 4;

// Writes a range at its place, and takes its digest.
class RangeSink final : public BodySink {
 public:
  RangeSink(int fd, std::uint64_t position, Digest& digest) : fd_(fd), position_(position), digest_(digest) {}

  void data(std::span<const std::byte> bytes) override {
    digest_.update(bytes);
    if (const int error = writeAllAt(fd_, bytes, position_)) throw failureFromErrno(error, "writing the file failed");
    position_ += bytes.size();
  }
  void hole(std::uint64_t count) override {
    digest_.updateZeros(count);
    position_ += count;
  }

 private:
  int fd_;
  std::uint64_t position_;
  Digest& digest_;
};

bool isThere(const FolderPtr& folder, const std::string& leaf, struct stat& status) {
  return ::fstatat(folder->fd.get(), leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace

bool RangeGet::get(GetJob& job, TargetFolder& target, std::size_t width) {
  try {
    return attempt(job, target, width);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    link_.drop();
    const auto* const failure = dynamic_cast<const Failure*>(&error);
    if (failure != nullptr && failure->code() == ErrorCode::Changed && !options_.beginAgain) {
      observer_.ended(failedOutcome(job, *failure));
      return true;
    }
    // The other way meets the same problem, if it lasts, and tells it.
    return false;
  }
}

bool RangeGet::attempt(GetJob& job, TargetFolder& target, std::size_t width) {
  if (!job.size || *job.size < Pieces::kWorthCutting) return false;
  const FolderPtr folder = target.folder(job.folder);
  struct stat status {};
  if (isThere(folder, partName(job.leaf), status) && status.st_size > 0) return false;
  if (isThere(folder, job.leaf, status) && (!options_.replace || S_ISDIR(status.st_mode))) return false;
  PartFile part = PartFile::create(folder, job.leaf);
  FileOutcome outcome;
  if (!fetch(job, part, width, outcome)) {
    link_.drop();
    return false;
  }
  link_.progressed();
  FetchedGroup group(options_, observer_);
  group.touch(target.takeTouched());
  group.add(std::move(part), std::move(outcome));
  group.commit();
  return true;
}

bool RangeGet::fetch(GetJob& job, PartFile& part, std::size_t width, FileOutcome& outcome) {
  const std::uint64_t size = *job.size;
  part.noteGaps(0, size);
  FollowingDigest following(part.fd(), Digest(options_.digest.value_or(DigestAlgorithm::Xxh128)));
  Pieces pieces(
      {0, size}, size,
      [&](std::uint64_t begin, std::uint64_t end) {
        part.noteGaps(end, size);
        following.data(begin, end);
        job.advance.reach(end, observer_);
      },
      Pieces::sizeFor(width));
  AgreedVersion agreed;
  const Whole whole{job, part.fd(), pieces, agreed};
  // What has not come in one piece from the beginning is cut off, so that a resume finds nothing but true bytes.
  const auto keep = [&] {
    part.endGaps(pieces.reached());
    part.keepForResume();
  };
  try {
    sides_.run(width, [&](Link& link, std::size_t) { receiveRanges(link, whole); });
  } catch (const std::exception&) {
    keep();
    requireUnchanged(agreed);
    throw;
  }
  if (!pieces.finished()) {
    keep();
    requireUnchanged(agreed);
    return false;
  }
  outcome.digest = following.finish();
  part.endGaps(size);
  part.finish(agreed.mode, agreed.mtimeNs);
  outcome.name = job.shown;
  outcome.size = size;
  outcome.moved = size;
  return true;
}

void RangeGet::receiveRanges(Link& link, const Whole& whole) const {
  try {
    Connection& connection = link.connection();
    std::deque<Piece> asked;
    for (;;) {
      while (asked.size() < kDepth) {
        const auto piece = whole.pieces.take(true);
        if (!piece) break;
        Header request = getHeader(whole.job.remote, {DigestAlgorithm::Xxh128, true, 0, std::nullopt});
        request.offset = piece->begin;
        request.length = piece->size;
        connection.queue(request);
        asked.push_back(*piece);
      }
      if (asked.empty()) return;
      receive(connection, whole, asked.front());
      whole.pieces.done(asked.front());
      asked.pop_front();
    }
  } catch (const Failure& failure) {
    if (failure.code() == ErrorCode::Changed) noteChange(whole.agreed);
    whole.pieces.giveUp();
    throw;
  } catch (...) {
    whole.pieces.giveUp();
    throw;
  }
}

void RangeGet::receive(Connection& connection, const Whole& whole, const Piece& piece) const {
  const Header reply = connection.readHeader();
  requireSame(reply, whole, piece);
  Digest digest(DigestAlgorithm::Xxh128);
  RangeSink sink(whole.fd, piece.begin, digest);
  const Header trailer = GetBody(connection, piece.size, options_.chunkSize).receiveChunks(sink);
  const DigestValue* theirs = trailer.findDigest(DigestAlgorithm::Xxh128);
  requireAgreement(reply.digests, trailer);
  if (theirs == nullptr) throw ProtocolError("a range came without its digest");
  requireSameDigest(*theirs, digest.value());
}

void RangeGet::requireSame(const Header& reply, const Whole& whole, const Piece& piece) {
  requireAnswer(reply, "get", whole.job.remote);
  if (reply.offset.value_or(0) != piece.begin || reply.length != piece.size || reply.body != "chunks") {
    throw ProtocolError("another range came than the one that was asked for");
  }
  const std::lock_guard lock(whole.agreed.mutex);
  if (!whole.agreed.known) {
    // What it was when it was listed does not count: nothing of that has been read.
    if (reply.filesize != whole.job.size || !reply.mtimeNs) throw ProtocolError("not the size that was listed");
    whole.agreed.known = true;
    whole.agreed.mtimeNs = reply.mtimeNs;
    whole.agreed.mode = reply.mode;
  }
  if (reply.filesize != whole.job.size || reply.mtimeNs != whole.agreed.mtimeNs) {
    throw Failure(ErrorCode::Changed, "the file changed on the server");
  }
}

void RangeGet::noteChange(AgreedVersion& agreed) {
  const std::lock_guard lock(agreed.mutex);
  agreed.changed = true;
}

void RangeGet::requireUnchanged(AgreedVersion& agreed) {
  const std::lock_guard lock(agreed.mutex);
  if (agreed.changed) throw Failure(ErrorCode::Changed, "the file changed on the server");
}

}  // namespace ft
