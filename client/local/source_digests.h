#pragma once
// Digests of large local files that were stored before, kept from one run of ftpc to the next, so that such a file need
// not be hashed again. They may only be stated where the server compares them with the bytes that arrive, so that a
// wrong one costs time and never a wrong file.

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/known_digest.h"

namespace ft {

// The lines are those of common/known_digest.h, the newest last. The file is read when a digest is first asked for, and
// written once, at the end. Whatever keeps it from being read or written is passed over without a word: nothing is
// known then, or what is new is lost. Thread-safe.
class SourceDigests {
 public:
  // A shorter file is hashed about as fast as a connection is made. Bytes.
  static constexpr std::uint64_t kWorthIt = 8 << 20;
  static constexpr std::size_t kMost = 1000;  // lines
  // How long a file must have been left alone: a change within a tick of the clock shows in no time of the file (git
  // calls such files racy, see its racy-git document), and file systems have ticks of up to 2 s.
  static constexpr std::int64_t kSettledNs = 2'000'000'000;
  using Clock = std::function<std::int64_t()>;  // ns since 1970

  // `path` is that of the file. Its folder, and the one that this is in, are made when there is something to write. "":
  // nothing is remembered.
  explicit SourceDigests(std::string path, Clock clock = systemClock());
  // Writes down what is new.
  ~SourceDigests();
  SourceDigests(const SourceDigests&) = delete;
  SourceDigests& operator=(const SourceDigests&) = delete;

  // Is the digest of this file worth it, and was the file left alone for long enough that one that is taken from now on
  // may be remembered?
  bool mayRemember(const FileVersion& version, DigestAlgorithm algorithm) const;
  // The digest of exactly this version; nullopt for one that is not worth it.
  std::optional<DigestValue> find(const FileVersion& version, DigestAlgorithm algorithm);
  // In place of what is known of earlier versions.
  void remember(const FileVersion& version, const DigestValue& digest);
  // What find() has returned is wrong.
  void forget(const FileVersion& version, const DigestValue& digest);

 private:
  bool isWorthIt(const FileVersion& version, DigestAlgorithm algorithm) const;
  static Clock systemClock();
  void load();
  void writeDown() const;

  const std::string path_;
  const Clock clock_;
  mutable std::mutex mutex_;
  bool loaded_ = false;
  std::vector<KnownDigest> known_;  // what the file had
  std::vector<KnownDigest> fresh_;
  std::vector<KnownDigest> wrong_;
};

// What one try to store one file makes of them.
class RecalledDigest {
 public:
  RecalledDigest() = default;  // nothing is known, nothing is remembered
  // To be made before the first byte is hashed. `digests` is borrowed; nullptr: as above.
  RecalledDigest(SourceDigests* digests, const FileVersion& version, DigestAlgorithm algorithm);

  const std::optional<DigestValue>& value() const { return value_; }
  // The file did not change, and the server says the same of what it has stored.
  void confirm(const DigestValue& digest);
  // The server has seen other bytes. False when nothing was recalled.
  bool forget();

 private:
  SourceDigests* digests_ = nullptr;
  FileVersion version_;
  bool mayRemember_ = false;
  std::optional<DigestValue> value_;
};

}  // namespace ft
