#pragma once
// Hashing a stored file or part of it, or what a cut upload has left, in steps, as a Work: what sum, offers, resumed
// gets and raw gets of large files need.

#include <cstdint>
#include <functional>
#include <memory>

#include "common/digest.h"
#include "server/session/commands.h"
#include "server/session/hash_desk.h"

namespace ft {

// Bytes [begin, end) of a file.
struct FileRange {
  std::shared_ptr<Download> download;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Feeds the range into `start`, and goes on with what `then` makes of it; it may take the digest over. Small ranges are
// done at once. Throws Failure, also later from the work: Changed when the file was cut short meanwhile. `desk` must
// outlive the work.
Outcome hashThen(HashDesk& desk, FileRange range, Digest start, std::function<Outcome(Digest&)> then);
// The same with the digest of the whole file, which is remembered, and taken once for all who want it meanwhile.
Outcome hashWholeThen(HashDesk& desk, std::shared_ptr<Download> download, DigestAlgorithm algorithm,
                      std::function<Outcome(const DigestValue&)> then);

// Takes an upload of Storage::resume() up, and goes on with what `then` makes of it. Throws Failure, also later from
// the work.
Outcome takeUpThen(std::unique_ptr<Upload> upload, std::function<Outcome(std::unique_ptr<Upload>)> then);

}  // namespace ft
