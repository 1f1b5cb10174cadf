#pragma once
// The digests of one upload, of all that is in its file so far: fast ones are taken by the writer while the bytes are
// in the processor's cache, slow ones of large files by another thread behind it. Belongs to the writer's thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/digest.h"
#include "server/storage/follow_digest.h"

namespace ft {

class UploadDigest {
 public:
  // `size` is that of the whole upload, where it is known. The pool is borrowed.
  UploadDigest(DigestPool& pool, std::vector<DigestAlgorithm> algorithms, std::optional<std::uint64_t> size);

  // The file, before there is anything in it to be told of here. Borrowed until giveUp().
  void attach(int fd) noexcept { fd_ = fd; }
  // Nothing is in the file.
  void restart();
  // `length` bytes are in the file, `algorithms` are taken from now on, and `known` is what they are of these bytes.
  // Without it these are to be read: see readOn().
  void resume(std::uint64_t length, const std::vector<DigestAlgorithm>& algorithms, std::optional<DigestSet> known);

  // These came next, and are in the file. All throw Failure(IoError) when the file cannot be read back.
  void wrote(std::span<const std::byte> bytes);
  void wrote(std::uint64_t count);
  void skipped(std::uint64_t count);

  // Reads a little of what only the file has, about two milliseconds' worth; until isBehind() is over. Returns an
  // errno.
  int readOn();
  bool isBehind() const noexcept { return digested_ < end_; }
  // Of what is there, when nothing is behind.
  DigestValue value(DigestAlgorithm algorithm) const { return digests_.value(algorithm); }

  // As Upload::digestOn() and finish(); the values are in the order of the algorithms.
  bool comeNearer();
  std::vector<DigestValue> finish();

  // No other thread has the file any more. Digests that one had are lost.
  void giveUp() noexcept;
  // After giveUp(): hands over what is known of all that is in the file; nullopt when that is lost.
  std::optional<DigestSet> release();

 private:
  void follow();
  void readAll();

  DigestPool& pool_;
  const std::vector<DigestAlgorithm> algorithms_;
  const std::optional<std::uint64_t> size_;
  const bool slow_;
  int fd_ = -1;
  DigestSet digests_;  // of what is before digested_, as long as nobody follows
  std::unique_ptr<FollowDigest> follower_;
  std::uint64_t digested_ = 0;
  std::uint64_t end_ = 0;  // of what is in the file
  bool lost_ = false;      // with a follower that was given up
};

}  // namespace ft
