#pragma once
// Hashing part of a stored file, or what a cut upload has left, in steps, as a Work: what sum, offers, resumed gets and
// raw gets of large files need.

#include <cstdint>
#include <functional>
#include <memory>

#include "common/digest.h"
#include "server/session/commands.h"

namespace ft {

// Bytes [begin, end) of a file.
struct HashRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Feeds the range into `start`, and goes on with what `then` makes of it; it may take the digest over. Small ranges are
// done at once.
// Throws Failure, also later from the work: Changed when the file was cut short meanwhile.
Outcome hashThen(std::shared_ptr<Download> download, HashRange range, Digest start,
                 std::function<Outcome(Digest&)> then);

// Takes an upload of Storage::resume() up, and goes on with what `then` makes of it. Throws Failure, also later from
// the work.
Outcome takeUpThen(std::unique_ptr<Upload> upload, std::function<Outcome(std::unique_ptr<Upload>)> then);

}  // namespace ft
