#include "client/transfer/large_puts.h"

#include <utility>

#include "client/connection/client.h"
#include "client/connection/reply.h"
#include "client/local/prefix_digest.h"
#include "client/transfer/sign_of_life.h"
#include "common/escape.h"

namespace ft {
namespace {

Header offerHeader(const PutJob& job, const SourceFile& source, const TransferOptions& options) {
  Header header = putHeader(job, source, options);
  header.cmd = "offer";
  header.digest = digestName(job.digest);
  if (source.dataSize() < source.size()) header.dataSize = source.dataSize();
  return header;
}

// `digest` is what the trailer vouches for, known before or from `following`; nullopt when it gives the body up.
Header trailerFor(const SourceFile& source, PutBody::End end, std::optional<FileDigest>& following,
                  std::optional<DigestValue>& digest) {
  Header trailer;
  trailer.cmd = "trailer";
  trailer.ok = false;
  try {
    if (following) digest = following->finish();
    source.requireUnchanged();
    if (end != PutBody::End::Whole) throwSourceChanged(source.path());
    trailer.ok = true;
    trailer.filesize = source.size();
    trailer.setDigest(*digest);
  } catch (const Failure& failure) {
    digest.reset();
    trailer.error = errorName(failure.code());
    trailer.message = "the source changed while it was read";
  }
  return trailer;
}

}  // namespace

void LargePuts::run(std::deque<PutJob>& jobs, FolderTimes& times) {
  putAll(jobs, times);
  if (times.done()) return;
  times.sendAll(link_.connection());
  times.awaitAll(link_.connection());
}

void LargePuts::putAll(std::deque<PutJob>& jobs, FolderTimes& times) {
  while (!jobs.empty()) {
    try {
      times.restart();
      const FileOutcome outcome = putOne(jobs.front(), {jobs.size() > 1 ? &jobs[1] : nullptr, times});
      observer_.ended(outcome);
      link_.progressed();
    } catch (const Failure& failure) {
      if (mayPass(failure)) {
        offered_.reset();
        throw;
      }
      if (again(jobs.front(), failure)) continue;
      settleFailure(jobs.front(), failure);
    } catch (const std::exception&) {
      offered_.reset();
      jobs.front().sentBefore = true;
      throw;
    }
    jobs.pop_front();
  }
}

bool LargePuts::again(PutJob& job, const Failure& failure) {
  if (failure.code() == ErrorCode::Integrity && job.recalled.forget()) {
    observer_.warned(escapeText(job.path) + ": its remembered digest is not that of what arrived; trying once more");
  } else {
    if (failure.code() != ErrorCode::Changed || job.tries++ >= kChangedTries) return false;
    // The server's word is about what it has of the file, and not about the source.
    if (!options_.beginAgain && dynamic_cast<const ServerFailure*>(&failure) == nullptr) return false;
    observer_.warned(std::string(failure.what()) + "; trying once more");
  }
  if (offered_) {  // of the next one, whose answer would come before that to this one's
    offered_.reset();
    link_.drop();
  }
  return true;
}

// A name that is there although it must not be replaced may be our own, of a try whose answer was lost.
void LargePuts::settleFailure(PutJob& job, const Failure& failure) {
  if (failure.code() == ErrorCode::Exists && job.sentBefore && !offered_) {
    const SourceFile source = openSource(job);
    const DigestValue digest = digestOfPrefix(job, source, source.size()).value();
    if (isThere(link_.client(), job, digest)) {
      observer_.ended(storedOutcome(job, source.size(), digest));
      return;
    }
  }
  observer_.ended(failedOutcome(job, failure));
}

void LargePuts::offer(PutJob& job) {
  SourceFile source = openSource(job);
  link_.connection().queue(offerHeader(job, source, options_));
  offered_.emplace(std::move(source));
}

FileOutcome LargePuts::putOne(PutJob& job, const Behind& behind) {
  if (!offered_) offer(job);
  const SourceFile source = std::move(*offered_);
  offered_.reset();
  job.recalled = RecalledDigest(options_.sourceDigests, source.version(), job.digest);
  Start start = agree(job, source);
  if (!start.offered) return sendRaw(job, source);
  if (start.otherBits && !giveBits(job, source)) start = {0, Digest(job.digest)};
  if (start.have) {
    job.advance.reach(source.size(), observer_);
    FileOutcome outcome = storedOutcome(job, source.size(), start.digest.value());
    job.recalled.confirm(*outcome.digest);
    outcome.moved = 0;
    outcome.resumed = source.size();
    return outcome;
  }
  return sendChunks(job, source, std::move(start), behind);
}

LargePuts::Start LargePuts::agree(PutJob& job, const SourceFile& source) {
  Connection& connection = link_.connection();
  connection.allowForDisk(source.size());
  std::optional<PrefixDigest> ahead;
  if (PrefixDigest::suits(source, job.digest)) ahead.emplace(source, connection.stop());
  const Header reply = connection.readHeader();
  if (reply.ok == false && reply.error == "unsupported") return {0, Digest(job.digest), false, false};
  requireAnswer(reply, "offer", job.remote);
  const DigestValue* theirs = reply.findDigest(job.digest);
  const bool have = reply.action == "have";
  const std::uint64_t size = have ? source.size() : reply.offset.value_or(0);
  if (theirs == nullptr || size == 0 || size > source.size()) return {0, Digest(job.digest)};
  std::optional<Digest> hashed;
  if (ahead) hashed = ahead->finish(size, [sign = SignOfLife(link_, options_.signOfLife)]() mutable { sign.show(); });
  Digest digest = hashed ? std::move(*hashed) : digestOfPrefix(job, source, size);
  if (digest.value() != *theirs) return {0, Digest(job.digest)};
  if (have) source.requireUnchanged();
  if (size > job.kept) link_.progressed();
  job.kept = size;
  return {size, std::move(digest), have, true, have && reply.mode.has_value()};
}

// The permission bits alone of what is there already. False: then all of it is to be sent.
bool LargePuts::giveBits(const PutJob& job, const SourceFile& source) {
  try {
    link_.client().chmod({job.remote, source.size(), source.mtimeNs()}, source.mode());
    return true;
  } catch (const Failure& failure) {
    if (mayPass(failure)) throw;
    return false;
  }
}

Digest LargePuts::digestOfPrefix(PutJob& job, const SourceFile& source, std::uint64_t size) {
  Digest digest(job.digest);
  hashWithSigns({source.fd(), 0, size}, digest, link_, options_.signOfLife);
  return digest;
}

void LargePuts::sendBehind(const Behind& behind) {
  if (behind.next == nullptr) return behind.times.sendAll(link_.connection());
  try {
    offer(*behind.next);
  } catch (const Failure&) {
    offered_.reset();  // it is told when the turn comes to it
  }
}

FileOutcome LargePuts::sendChunks(PutJob& job, const SourceFile& source, Start start, const Behind& behind) {
  Connection& connection = link_.connection();
  Header header = putHeader(job, source, options_);
  header.digest = digestName(job.digest);
  header.body = "chunks";
  header.offset = start.offset;
  if (source.dataSize() < source.size()) header.dataSize = source.dataSize();
  std::optional<DigestValue> digest = job.recalled.value();
  if (digest) header.setDigest(*digest);
  connection.queue(header);
  job.advance.reach(start.offset, observer_);

  std::optional<FileDigest> following;
  if (!digest) following.emplace(source.fd(), std::move(start.digest));
  PutBody body(connection, source, options_.chunkSize, {following ? &*following : nullptr, job.advance, observer_});
  PutBody::End end{};
  try {
    end = body.send(start.offset, PutBody::Form::Chunks);
    if (end == PutBody::End::Refused) refused(connection.readHeader());
  } catch (const TransportError&) {
    if (const auto reply = connection.lastWords()) refused(*reply);
    throw;
  }
  connection.queue(trailerFor(source, end, following, digest));
  if (digest) sendBehind(behind);
  const Header reply = awaitStored(source);
  if (!digest) throwSourceChanged(source.path());
  try {
    requireAnswer(reply, "put", job.remote);
    checkStored(reply, source.size(), *digest, &source);
  } catch (const Failure&) {
    behind.times.awaitAll(connection);  // whose answers come before that to what is asked next
    throw;
  }
  job.recalled.confirm(*digest);
  FileOutcome outcome = storedOutcome(job, source.size(), *digest);
  outcome.moved = source.size() - start.offset;
  outcome.resumed = start.offset;
  return outcome;
}

// For a server that knows no more than the first version of the protocol: the digest goes before the body.
FileOutcome LargePuts::sendRaw(PutJob& job, const SourceFile& source) {
  Connection& connection = link_.connection();
  job.digest = options_.digest.value_or(DigestAlgorithm::Md5);
  job.recalled = RecalledDigest(options_.sourceDigests, source.version(), job.digest);
  const std::optional<DigestValue>& recalled = job.recalled.value();
  const DigestValue digest = recalled ? *recalled : digestOfPrefix(job, source, source.size()).value();
  Header header = putHeader(job, source, options_);
  header.setDigest(digest);
  connection.queue(header);
  PutBody body(connection, source, options_.chunkSize, {nullptr, job.advance, observer_});
  try {
    if (body.send(0, PutBody::Form::Raw) == PutBody::End::Refused) refused(connection.readHeader());
  } catch (const TransportError&) {
    if (const auto reply = connection.lastWords()) refused(*reply);
    throw;
  }
  const Header reply = awaitStored(source);
  if (reply.ok == false) source.requireUnchanged();
  requireAnswer(reply, "put", job.remote);
  checkStored(reply, source.size(), digest, &source);
  if (!source.changed()) job.recalled.confirm(digest);
  return storedOutcome(job, source.size(), digest);
}

Header LargePuts::awaitStored(const SourceFile& source) {
  Connection& connection = link_.connection();
  try {
    connection.allowForDisk(source.size());
    return connection.readHeader();
  } catch (const TransportError&) {
    if (auto reply = connection.lastWords()) return std::move(*reply);
    throw;
  }
}

// A refusal in the middle of a body: the server reads no further, so this connection has no next request.
void LargePuts::refused(const Header& reply) {
  link_.drop();
  requireOk(reply);
  throw ProtocolError("the server said ok before it had the whole file");
}

}  // namespace ft
