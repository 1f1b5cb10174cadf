#include "server/session/file_handlers.h"

#include <algorithm>

#include "common/escape.h"
#include "common/protocol.h"
#include "server/session/hash_work.h"
#include "server/session/tree_handlers.h"
#include "server/storage/digest_cache.h"

namespace ft {
namespace {

// Files up to this size are read at once, so that nothing can go wrong between their header and their last byte.
// Their digests are taken then, and never looked for.
constexpr std::uint64_t kInlineSize = kShortestToRemember - 1;

DigestAlgorithm wantedDigest(const Header& request, DigestAlgorithm otherwise) {
  if (!request.digest) return otherwise;
  const auto algorithm = digestFromName(*request.digest);
  if (!algorithm) {
    throw Failure(ErrorCode::Unsupported,
                  "digest '" + escapeText(*request.digest, 64) + "' is not known; known are xxh128, md5, sha256");
  }
  return *algorithm;
}

bool wantsChunks(const Header& request) {
  if (!request.body || *request.body == "raw") return false;
  if (*request.body == "chunks") return true;
  throw Failure(ErrorCode::Unsupported,
                "body '" + escapeText(*request.body, 64) + "' is not known; known are raw, chunks");
}

// What is to be taken of a body while it comes: what the header states, and what the trailer will.
std::vector<DigestAlgorithm> bodyDigests(const Header& request) {
  std::vector<DigestAlgorithm> algorithms;
  for (const DigestValue& digest : request.digests) algorithms.push_back(digest.algorithm);
  if (request.digest || algorithms.empty()) {
    const DigestAlgorithm wanted = wantedDigest(request, DigestAlgorithm::Md5);
    if (!request.findDigest(wanted)) algorithms.push_back(wanted);
  }
  return algorithms;
}

PutSpec putSpec(const Header& request) {
  PutSpec spec;
  spec.name = requiredName(request);
  spec.size = request.filesize;
  if (!request.plain) {
    spec.dataSize = request.dataSize;
    spec.mtimeNs = request.mtimeNs;
    spec.mode = request.mode;
    spec.naming.replace = request.replace.value_or(true);
  }
  spec.digests = bodyDigests(request);
  return spec;
}

void requireIdentity(const PutSpec& spec) {
  if (!spec.size || !spec.mtimeNs)
    throw Failure(ErrorCode::BadRequest, "'filesize' and 'mtime_ns' are needed to resume");
}

// A put with `offset` goes on with the upload that was offered, or else with the part on the disk.
Outcome resumePut(const PutSpec& spec, std::uint64_t offset, CommandContext& context) {
  requireIdentity(spec);
  const auto receive = [offset](std::unique_ptr<Upload> upload) -> Outcome {
    if (upload->offset() != offset && offset != 0) {
      throw Failure(ErrorCode::Changed, "offset " + std::to_string(offset) + " does not match the " +
                                            std::to_string(upload->offset()) + " bytes that are here; offer again");
    }
    if (upload->offset() != offset) upload->restart();
    return ReceiveFile{std::move(upload), nullptr};
  };
  std::unique_ptr<Upload> upload = context.offers.take(spec);
  const bool same = upload && upload->spec().digests == spec.digests && upload->spec().mode == spec.mode &&
                    upload->spec().naming.replace == spec.naming.replace;
  if (same) {
    context.storage.recheck(*upload);
    return receive(std::move(upload));
  }
  upload.reset();
  return takeUpThen(context.storage.resume(spec, spec.digests.front()), receive);
}

// Chooses the range of a request without `have`.
void chooseRange(const Header& request, SendFile& send) {
  const std::uint64_t size = send.download->info().size;
  send.end = size;
  if (!request.offset && !request.length) return;
  send.begin = request.offset.value_or(0);
  if (send.begin > size) {
    throw Failure(ErrorCode::BadRequest,
                  "offset " + std::to_string(send.begin) + " is past the end at " + std::to_string(size));
  }
  send.end = send.begin + std::min(request.length.value_or(size), size - send.begin);
  send.wholeFile = send.begin == 0 && send.end == size;
  send.reply.offset = send.begin;
  send.reply.length = send.end - send.begin;
}

void readContent(SendFile& send) {
  std::vector<std::byte> content(send.end - send.begin);
  std::size_t filled = 0;
  while (filled < content.size()) {
    const std::size_t got = send.download->read(send.begin + filled, std::span(content).subspan(filled));
    if (got == 0) throw Failure(ErrorCode::Changed, "the file was cut short while it was read");
    filled += got;
  }
  send.content = std::move(content);
}

// A raw body's digest stands in the reply, so it must be known before the first byte; a chunked one's comes in the
// trailer.
Outcome settleDigest(DigestAlgorithm algorithm, SendFile send, HashDesk& hashes) {
  if (send.wholeFile && !(send.content && send.begin == 0)) send.known = send.download->knownDigest(algorithm);
  if (send.known) {
    send.reply.setDigest(*send.known);
    send.running.reset();
    return send;
  }
  if (!send.running) send.running.emplace(algorithm);
  if (send.chunks) return send;
  if (send.content) {
    send.running->update(*send.content);
    send.reply.setDigest(send.running->value());
    return send;
  }
  const FileRange range{send.download, send.begin, send.end};
  Digest start = std::move(*send.running);
  send.running.reset();
  auto waiting = std::make_shared<SendFile>(std::move(send));
  const auto answer = [waiting](const DigestValue& digest) -> Outcome {
    waiting->reply.setDigest(digest);
    return std::move(*waiting);
  };
  if (waiting->wholeFile && range.begin == 0) return hashWholeThen(hashes, waiting->download, algorithm, answer);
  return hashThen(hashes, range, std::move(start), [waiting, answer](const Digest& digest) {
    if (waiting->wholeFile) waiting->download->rememberDigest(digest.value());
    return answer(digest.value());
  });
}

Outcome sendRange(DigestAlgorithm algorithm, SendFile send, HashDesk& hashes) {
  if (send.end - send.begin <= kInlineSize) readContent(send);
  return settleDigest(algorithm, std::move(send), hashes);
}

// A resumed get: compares the client's first bytes with the file's, and sends the rest or the whole.
Outcome sendRest(const Header& request, DigestAlgorithm algorithm, SendFile send, HashDesk& hashes) {
  const DigestValue* expected = request.findDigest(algorithm);
  if (expected == nullptr) throw Failure(ErrorCode::BadRequest, "'have' needs the digest of these bytes");
  send.end = send.download->info().size;
  send.reply.offset = 0;
  const std::uint64_t have = *request.have;
  if (have > send.end) return sendRange(algorithm, std::move(send), hashes);
  auto waiting = std::make_shared<SendFile>(std::move(send));
  return hashThen(hashes, {waiting->download, 0, have}, Digest(algorithm),
                  [waiting, have, prefix = *expected, &hashes](Digest& digest) -> Outcome {
                    if (digest.value() == prefix) {
                      waiting->begin = have;
                      waiting->reply.offset = have;
                      waiting->running = std::move(digest);
                    }
                    return sendRange(prefix.algorithm, std::move(*waiting), hashes);
                  });
}

// The file that an offer speaks of, when a file of its size and time is stored already.
std::shared_ptr<Download> storedFile(const PutSpec& spec, Storage& storage) {
  try {
    std::shared_ptr<Download> stored = storage.open(spec.name);
    if (stored->info().size == *spec.size && stored->info().mtimeNs == *spec.mtimeNs) return stored;
  } catch (const Failure&) {
    // Nothing there that could be the same: it is to be sent.
  }
  return nullptr;
}

// The permission bits of a stored file, where a put would give it others.
std::optional<std::uint32_t> otherMode(const PutSpec& spec, const FileInfo& stored, Storage& storage) {
  const auto wanted = spec.mode ? storage.storedMode(spec.name, *spec.mode) : std::nullopt;
  return wanted && *wanted != stored.mode ? std::optional(stored.mode) : std::nullopt;
}

// Answers an offer when it is known what is there of it.
Outcome answerOffer(const Header& request, std::unique_ptr<Upload> upload, CommandContext& context) {
  const PutSpec spec = upload->spec();
  const DigestAlgorithm algorithm = spec.digests.front();
  Header reply = okReply(request);
  reply.filename = spec.name.text();
  const bool fresh = spec.naming.replace && upload->offset() == 0;
  reply.action = "send";
  reply.offset = upload->offset();
  if (const auto prefix = upload->prefix()) reply.setDigest(*prefix);
  if (request.segments.value_or(false)) {
    auto segmented = context.segments.open(std::move(upload));
    reply.upload = segmented->id();
    context.offers.add(std::move(segmented));
  } else {
    context.offers.add(std::move(upload));
  }
  const std::shared_ptr<Download> stored = fresh ? storedFile(spec, context.storage) : nullptr;
  if (!stored) return reply;
  reply.action = "have";
  reply.offset.reset();
  reply.mode = otherMode(spec, stored->info(), context.storage);
  if (const auto known = stored->knownDigest(algorithm)) {
    reply.setDigest(*known);
    return reply;
  }
  return hashWholeThen(context.hashes, stored, algorithm, [reply](const DigestValue& digest) mutable -> Outcome {
    reply.setDigest(digest);
    return std::move(reply);
  });
}

}  // namespace

Outcome handlePut(const Header& request, CommandContext& context) {
  const bool chunks = wantsChunks(request);
  const PutSpec spec = putSpec(request);
  if (!chunks && !spec.size) throw Failure(ErrorCode::BadRequest, "'filesize' is missing");
  if (request.plain || !request.offset) return ReceiveFile{context.storage.begin(spec), nullptr};
  if (*request.offset > spec.size.value_or(0)) throw Failure(ErrorCode::BadRequest, "'offset' is past 'filesize'");
  return resumePut(spec, *request.offset, context);
}

Outcome handleGet(const Header& request, CommandContext& context) {
  const FileName name = requiredName(request);
  SendFile send;
  send.chunks = !request.plain && wantsChunks(request);
  const DigestAlgorithm algorithm = request.plain ? DigestAlgorithm::Md5 : wantedDigest(request, DigestAlgorithm::Md5);
  send.reply = okReply(request);
  send.reply.filename = name.text();
  send.download = context.storage.open(name);
  send.end = send.download->info().size;
  if (request.plain) {
    send.reply.filesize = send.end;
    return sendRange(algorithm, std::move(send), context.hashes);
  }
  describe(send.download->info(), send.reply);
  if (send.chunks) send.reply.body = "chunks";
  if (request.have) return sendRest(request, algorithm, std::move(send), context.hashes);
  chooseRange(request, send);
  return sendRange(algorithm, std::move(send), context.hashes);
}

Outcome handleOffer(const Header& request, CommandContext& context) {
  const PutSpec spec = putSpec(request);
  requireIdentity(spec);
  context.offers.drop(spec);
  return takeUpThen(context.storage.resume(spec, spec.digests.front()),
                    [request, context](std::unique_ptr<Upload> upload) mutable {
                      return answerOffer(request, std::move(upload), context);
                    });
}

Outcome handleSegment(const Header& request, CommandContext& context) {
  if (!request.upload || !request.offset || !request.filesize) {
    throw Failure(ErrorCode::BadRequest, "'upload', 'offset' and 'filesize' are needed in a segment");
  }
  const std::shared_ptr<SegmentedUpload> whole = context.segments.find(*request.upload);
  if (!whole) throw Failure(ErrorCode::NotFound, "no file of that 'upload' is being put together; offer it again");
  const auto place = std::make_shared<SegmentPlace>(whole, *request.offset, *request.filesize);
  PutSpec spec;
  spec.name = whole->spec().name;
  spec.size = request.filesize;
  spec.segment = true;
  spec.digests = bodyDigests(request);
  return ReceiveFile{context.storage.begin(spec), [place](std::unique_ptr<Upload>& segment) {
                       if (segment) place->add(std::move(segment));
                       return place->appendOn();
                     }};
}

Outcome handleSum(const Header& request, CommandContext& context) {
  const FileName name = requiredName(request);
  const DigestAlgorithm algorithm = wantedDigest(request, DigestAlgorithm::Md5);
  const std::shared_ptr<Download> download = context.storage.open(name);
  Header reply = okReply(request);
  reply.filename = name.text();
  reply.filesize = download->info().size;
  return hashThen(context.hashes, {download, 0, download->info().size}, Digest(algorithm),
                  [reply, download](const Digest& digest) mutable -> Outcome {
                    download->rememberDigest(digest.value());
                    reply.setDigest(digest.value());
                    return std::move(reply);
                  });
}

}  // namespace ft
