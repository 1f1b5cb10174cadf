#include "client/transfer/get_job.h"

#include "client/connection/reply.h"

namespace ft {

Header getHeader(const FileName& name, const GetRequest& request) {
  Header header = makeRequest("get", name);
  header.digest = digestName(request.algorithm);
  if (request.chunks) header.body = "chunks";
  if (request.have) {
    header.have = request.haveSize;
    header.setDigest(*request.have);
  }
  return header;
}

GetReply checkGetReply(const Header& reply, const FileName& name, const GetRequest& request) {
  requireAnswer(reply, "get", name);
  if (!reply.filesize) throw ProtocolError("the reply to a get has no filesize");
  GetReply checked;
  checked.size = *reply.filesize;
  checked.offset = reply.offset.value_or(0);
  if (checked.offset != 0 && (!request.have || checked.offset != request.haveSize || checked.offset > checked.size)) {
    throw ProtocolError("the reply to a get begins at " + std::to_string(checked.offset) + ", which was not asked for");
  }
  if (reply.length && *reply.length != checked.size - checked.offset) {
    throw ProtocolError("the reply to a get is of a range that was not asked for");
  }
  const DigestValue* wanted = reply.findDigest(request.algorithm);
  if (wanted == nullptr && !reply.digests.empty()) wanted = &reply.digests.front();
  if (wanted != nullptr) checked.digest = *wanted;
  checked.stated = reply.digests;
  // Where the reply does not name its form: a raw body has its digest in the reply, a chunked one in the trailer.
  checked.chunks = reply.body ? *reply.body == "chunks" : request.chunks && !checked.digest;
  if (!checked.chunks && !checked.digest) throw ProtocolError("the reply to a get has no digest");
  checked.mode = reply.mode;
  checked.mtimeNs = reply.mtimeNs;
  return checked;
}

void requireAgreement(const std::vector<DigestValue>& stated, const Header& trailer) {
  for (const DigestValue& before : stated) {
    const DigestValue* after = trailer.findDigest(before.algorithm);
    if (after == nullptr || *after == before) continue;
    throw Failure(ErrorCode::Integrity, "the server states two " + std::string(digestName(before.algorithm)) +
                                            " of the file: " + before.hex + " and " + after->hex);
  }
}

FileOutcome failedOutcome(const GetJob& job, const std::exception& error) {
  return failedOutcome(job.shown, error, job.size.value_or(0));
}

void requireSameDigest(const DigestValue& theirs, const DigestValue& ours) {
  if (theirs == ours) return;
  throw Failure(ErrorCode::Integrity, "the " + std::string(digestName(ours.algorithm)) + " of what arrived is " +
                                          ours.hex + ", not " + theirs.hex);
}

}  // namespace ft
