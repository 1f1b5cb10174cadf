#include "client/transfer/put_job.h"

#include "client/connection/reply.h"
#include "client/local/file_digest.h"
#include "common/escape.h"

namespace ft {

SourceFile openSource(const PutJob& job) {
  try {
    return SourceFile::open(job.path, job.links);
  } catch (const Failure& failure) {
    if (failure.code() != ErrorCode::NotFound) throw;
    throw Failure(ErrorCode::Changed, escapeText(job.path) + ": vanished before it was read to its end");
  }
}

Header putHeader(const PutJob& job, const SourceFile& source, const TransferOptions& options) {
  Header header = makeRequest("put", job.remote);
  header.filesize = source.size();
  header.mtimeNs = source.mtimeNs();
  header.mode = source.mode();
  if (!options.replace) header.replace = false;
  return header;
}

void checkStored(const Header& reply, std::uint64_t size, const DigestValue& digest, const SourceFile* source) {
  if (!reply.filesize) throw ProtocolError("the server does not say how much it stored");
  if (*reply.filesize != size) {
    throw Failure(ErrorCode::Integrity,
                  "the server stored " + std::to_string(*reply.filesize) + " bytes of " + std::to_string(size));
  }
  if (reply.digests.empty()) throw ProtocolError("the server does not say what it stored");
  for (const DigestValue& stored : reply.digests) {
    DigestValue ours = digest;
    if (stored.algorithm != digest.algorithm) {
      if (source == nullptr || reply.findDigest(digest.algorithm) != nullptr) continue;
      Digest again(stored.algorithm);
      hashFile({source->fd(), 0, size}, again, StopRequest());
      ours = again.value();
    }
    if (stored == ours) continue;
    throw Failure(ErrorCode::Integrity, "the " + std::string(digestName(stored.algorithm)) + " of what was stored is " +
                                            stored.hex + ", not " + ours.hex);
  }
}

bool isThere(Client client, const PutJob& job, const DigestValue& digest) {
  try {
    return client.sum(job.remote, digest.algorithm) == digest;
  } catch (const Failure& failure) {
    if (mayPass(failure)) throw;
    return false;
  }
}

FileOutcome storedOutcome(const PutJob& job, std::uint64_t size, DigestValue digest) {
  FileOutcome outcome;
  outcome.name = job.path;
  outcome.size = size;
  outcome.moved = size;
  outcome.digest = std::move(digest);
  return outcome;
}

FileOutcome failedOutcome(const PutJob& job, const std::exception& error) {
  FileOutcome outcome;
  outcome.state = FileOutcome::State::Failed;
  outcome.name = job.path;
  outcome.size = job.size;
  outcome.problem = problemOf(error);
  return outcome;
}

}  // namespace ft
