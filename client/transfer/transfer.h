#pragma once
// What put and get have in common: their options, what they tell while they run, and how one file ended.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "client/exit_code.h"
#include "common/digest.h"
#include "common/protocol.h"

namespace ft {

class SourceDigests;

struct TransferOptions {
  // nullopt: xxh128, but md5 for a few small files, whose digest everyone can compare with md5sum.
  std::optional<DigestAlgorithm> digest;
  // The unit of streaming: wire chunks and calls into the kernel carry a multiple of it. Bytes.
  std::size_t chunkSize = kChunkSize;
  bool replace = true;  // false: a name that exists is left alone
  // While local bytes are hashed, the server hears from us this often.
  std::chrono::milliseconds signOfLife = std::chrono::seconds(10);
  bool sync = true;        // get: files and folders are synced before they have their names
  bool always = false;     // trees: also files whose size and time say that they are there already
  bool beginAgain = true;  // a file that changes while it is read is read once more from its beginning
  bool checksum = false;   // trees: compare such files by digest
  // How many connections to use for work that is worth several; nullopt: as SideLinks finds best.
  std::optional<std::size_t> connections;
  SourceDigests* sourceDigests = nullptr;  // put: what is known of large files; borrowed; nullptr: nothing
};

// How one file ended.
struct FileOutcome {
  enum class State { Stored, Unchanged, Failed };
  State state = State::Stored;
  std::string name;           // as the user knows it; not escaped
  std::uint64_t size = 0;     // bytes of the file
  std::uint64_t moved = 0;    // bytes that went over the wire as data
  std::uint64_t resumed = 0;  // bytes that were there already
  std::optional<DigestValue> digest;
  Problem problem;  // when Failed
};

FileOutcome failedOutcome(const std::string& name, const std::exception& error, std::uint64_t size = 0);
FileOutcome unchangedOutcome(const std::string& name, std::uint64_t size);

// Told by what puts and gets, from the thread that runs it, how it is going. Those that use several threads tell it
// from one at a time (SharedObserver).
class TransferObserver {
 public:
  virtual ~TransferObserver() = default;
  // Adds to the total.
  virtual void planned(std::uint64_t files, std::uint64_t bytes) = 0;
  // `bytes` more have been moved; never told twice for the same bytes of a file.
  virtual void advanced(std::uint64_t bytes) = 0;
  virtual void ended(const FileOutcome& outcome) = 0;
  // Something was left out that is no failure (a symbolic link), or a file was begun again. `text` is safe to print.
  virtual void warned(const std::string& text) = 0;
};

// How far a file has come. When a transfer begins the file again, its position goes back; the observer hears only of
// what lies beyond all that it was told before.
class Advance {
 public:
  // The bytes before `position` have been moved. True when no earlier call reached so far.
  bool reach(std::uint64_t position, TransferObserver& observer) {
    if (position <= told_) return false;
    observer.advanced(position - told_);
    told_ = position;
    return true;
  }

 private:
  std::uint64_t told_ = 0;
};

// Files up to this size are sent at once, without an offer and without waiting; longer ones can be resumed. Bytes.
inline constexpr std::uint64_t kSmallFile = 1 << 20;
// Small files up to this size carry md5 unless they are many: it costs less than a round trip. Bytes.
inline constexpr std::uint64_t kMd5File = 64 * 1024;
inline constexpr std::size_t kFewFiles = 16;

// The longest wire chunk of a sender, so that little has to be filled up when the source cannot be read on. Bytes.
inline constexpr std::size_t kWireChunk = 4 << 20;
// The largest multiple of the unit that is at most `most`, but at least one unit.
inline std::size_t wholeChunks(std::size_t unit, std::size_t most) { return unit >= most ? unit : most - most % unit; }

}  // namespace ft
