#include "client/transfer/segment_put.h"

#include <sys/sendfile.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "client/connection/reply.h"
#include "client/local/file_digest.h"
#include "client/transfer/sign_of_life.h"
#include "common/error.h"

namespace ft {
namespace {

// Segments on their way on one connection: while the reply to one travels, the next one does, too.
constexpr std::size_t kDepth = 4;
// Half of what the server lets a segment be ahead of the first one that is missing. Bytes.
constexpr std::uint64_t kAhead = 256 << 20;
// One call of sendfile. Bytes.
constexpr std::uint64_t kSendStep = 1 << 20;
// One read where the bytes must pass through memory. Bytes.
constexpr std::size_t kCopyStep = 256 * 1024;

// Replies to earlier segments may come meanwhile; they wait in the connection's buffer.
void flushAll(Connection& connection) {
  for (connection.sendSome(); connection.unsent() > 0; connection.sendSome()) connection.wait(true);
}

// Where the bytes must pass through memory.
void copyRange(Connection& connection, const SourceFile& source, const Piece& piece) {
  std::vector<std::byte> buffer(kCopyStep);
  for (std::uint64_t position = piece.begin; position < piece.end();) {
    connection.stop().check();
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), piece.end() - position));
    const ssize_t got = ::pread(source.fd(), buffer.data(), most, static_cast<off_t>(position));
    if (got <= 0) throwSourceChanged(source.path());
    position += static_cast<std::uint64_t>(got);
    for (std::span<const std::byte> left(buffer.data(), static_cast<std::size_t>(got)); !left.empty();) {
      left = left.subspan(connection.writeSome(left));
      if (!left.empty()) connection.wait(true);
    }
  }
}

void sendRange(Connection& connection, const SourceFile& source, const Piece& piece) {
  if (connection.rawFd() < 0) return copyRange(connection, source, piece);
  for (std::uint64_t position = piece.begin; position < piece.end();) {
    connection.stop().check();
    off_t offset = static_cast<off_t>(position);
    const auto most = static_cast<std::size_t>(std::min(kSendStep, piece.end() - position));
    const ssize_t moved = ::sendfile(connection.rawFd(), source.fd(), &offset, most);
    if (moved > 0) {
      position += static_cast<std::uint64_t>(moved);
      connection.moved(static_cast<std::size_t>(moved));
    } else if (moved < 0 && errno == EAGAIN) {
      connection.wait(true);
    } else if (moved == 0) {
      throwSourceChanged(source.path());
    } else if (errno != EINTR) {
      throw TransportError(TransportError::Kind::Closed, "sendfile: " + errorText(errno));
    }
  }
}

}  // namespace

std::optional<FileOutcome> SegmentPut::put(PutJob& job, std::size_t width) {
  try {
    return attempt(job, width);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    const auto* const failure = dynamic_cast<const Failure*>(&error);
    const bool changed = failure != nullptr && failure->code() == ErrorCode::Changed &&
                         dynamic_cast<const ServerFailure*>(failure) == nullptr;
    if (changed && !options_.beginAgain) {
      link_.drop();
      return failedOutcome(job, *failure);
    }
    if (failure != nullptr && failure->code() == ErrorCode::Integrity) job.recalled.forget();
    // The other way meets the same problem, if it lasts, and tells it. The name may be ours by now.
    job.sentBefore = true;
    link_.drop();
    return std::nullopt;
  }
}

std::optional<FileOutcome> SegmentPut::attempt(PutJob& job, std::size_t width) {
  const SourceFile source = openSource(job);
  if (source.size() < Pieces::kWorthCutting || source.dataSize() < source.size()) return std::nullopt;
  job.recalled = RecalledDigest(options_.sourceDigests, source.version(), job.digest);
  const auto agreed = offer(job, source);
  if (!agreed) return std::nullopt;
  const std::uint64_t start = agreed->offset.value_or(0);

  Digest prefix(job.digest);
  hashWithSigns({source.fd(), 0, start}, prefix, link_, options_.signOfLife);
  const DigestValue* theirs = agreed->findDigest(job.digest);
  if (start > 0 && (theirs == nullptr || *theirs != prefix.value())) {
    throw Failure(ErrorCode::Integrity, "what the server has of the file is not its beginning");
  }
  job.advance.reach(start, observer_);
  std::optional<FollowingDigest> following;
  if (!job.recalled.value()) following.emplace(source.fd(), std::move(prefix));
  Pieces pieces(
      {start, source.size() - start}, kAhead,
      [&](std::uint64_t begin, std::uint64_t end) {
        if (following) following->data(begin, end);
        job.advance.reach(end, observer_);
      },
      Pieces::sizeFor(width));
  const Whole whole{source, *agreed->upload, pieces};
  sides_.run(width, [&](Link& link, std::size_t) { sendSegments(link, whole); });
  if (!pieces.finished()) source.requireUnchanged();
  if (!pieces.finished()) throw TransportError(TransportError::Kind::Closed, "a connection broke");
  link_.progressed();

  const DigestValue digest = following ? following->finish() : *job.recalled.value();
  source.requireUnchanged();
  const Header reply = end(job, source, digest);
  requireAnswer(reply, "put", job.remote);
  checkStored(reply, source.size(), digest, &source);
  job.recalled.confirm(digest);
  FileOutcome outcome = storedOutcome(job, source.size(), digest);
  outcome.moved = source.size() - start;
  outcome.resumed = start;
  return outcome;
}

// The reply that names the upload; nullopt when the other way is the right one.
std::optional<Header> SegmentPut::offer(const PutJob& job, const SourceFile& source) {
  Header header = putHeader(job, source, options_);
  header.cmd = "offer";
  header.digest = digestName(job.digest);
  header.segments = true;
  Connection& connection = link_.connection();
  connection.queue(header);
  connection.allowForDisk(source.size());
  Header reply = connection.readHeader();
  requireAnswer(reply, "offer", job.remote);
  if (reply.action == "have") return std::nullopt;
  if (!reply.upload || reply.offset.value_or(0) > source.size()) {
    throw Failure(ErrorCode::Unsupported, "the server takes no segments");
  }
  return reply;
}

void SegmentPut::sendSegments(Link& link, const Whole& whole) {
  try {
    Connection& connection = link.connection();
    std::deque<Sent> sent;
    for (;;) {
      const auto piece = sent.size() < kDepth ? whole.pieces.take(sent.empty()) : std::nullopt;
      if (piece) {
        sent.push_back(sendSegment(connection, whole, *piece));
      } else if (sent.empty()) {
        return;
      } else {
        settle(connection, sent.front());
        whole.pieces.done(sent.front().piece);
        sent.pop_front();
      }
    }
  } catch (...) {
    whole.pieces.giveUp();
    throw;
  }
}

SegmentPut::Sent SegmentPut::sendSegment(Connection& connection, const Whole& whole, const Piece& piece) {
  Digest digest(DigestAlgorithm::Xxh128);
  hashFile({whole.source.fd(), piece.begin, piece.end()}, digest, connection.stop());
  Header header;
  header.cmd = "segment";
  header.upload = whole.upload;
  header.offset = piece.begin;
  header.filesize = piece.size;
  header.setDigest(digest.value());
  connection.queue(header);
  connection.restartDeadline();
  flushAll(connection);
  sendRange(connection, whole.source, piece);
  return {piece, digest.value()};
}

void SegmentPut::settle(Connection& connection, const Sent& sent) {
  connection.allowForDisk(sent.piece.size * SideLinks::kMaxLinks);
  const Header reply = connection.readHeader();
  requireOk(reply);
  requireCommand(reply, "segment");
  checkStored(reply, sent.piece.size, sent.digest, nullptr);
}

Header SegmentPut::end(const PutJob& job, const SourceFile& source, const DigestValue& digest) {
  Header header = putHeader(job, source, options_);
  header.offset = source.size();
  header.setDigest(digest);
  Connection& connection = link_.connection();
  connection.queue(header);
  connection.allowForDisk(source.size());
  return connection.readHeader();
}

}  // namespace ft
