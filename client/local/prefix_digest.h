#pragma once
// The XXH128 of a file's first bytes, taken while the server still looks at what it has of the file, so that both ends
// read at the same time. Two threads read, and a third one hashes: copying out of the page cache takes five times as
// long as hashing.

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "client/local/source_file.h"
#include "client/stop_request.h"
#include "common/digest.h"

namespace ft {

class PrefixDigest {
 public:
  // A file that is shorter or has holes is not worth it. Bytes.
  static constexpr std::uint64_t kWorthIt = 32 << 20;
  static bool suits(const SourceFile& source, DigestAlgorithm algorithm);

  // Begins a moment later, as most servers have nothing of most files, and say so at once. `source` must outlive this.
  PrefixDigest(const SourceFile& source, const StopRequest& stop);
  ~PrefixDigest();
  PrefixDigest(const PrefixDigest&) = delete;
  PrefixDigest& operator=(const PrefixDigest&) = delete;

  // The digest of the bytes [0, size); nullopt when more than these have been hashed already. To be called once. `sign`
  // is called now and then while this waits. Throws Failure when the file cannot be read or is shorter, Interrupted,
  // and what else has ended its threads.
  std::optional<Digest> finish(std::uint64_t size, const std::function<void()>& sign);

 private:
  static constexpr std::size_t kBlock = 512 * 1024;
  static constexpr std::size_t kBlocks = 6;
  static constexpr std::size_t kReaders = 2;
  struct Block {
    std::vector<std::byte> bytes;  // made at first use
    bool ready = false;
  };

  void giveUp();
  void readBlocks();
  void hashBlocks();
  void readBlock(std::uint64_t begin, std::span<std::byte> into) const;
  Block& blockAt(std::uint64_t position) { return blocks_[position / kBlock % kBlocks]; }

  const SourceFile& source_;
  const StopRequest& stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Block, kBlocks> blocks_;
  Digest digest_{DigestAlgorithm::Xxh128};
  std::uint64_t target_;      // no more than this is wanted
  std::uint64_t next_ = 0;    // to be read
  std::uint64_t hashed_ = 0;  // a multiple of kBlock before the end
  bool begun_ = false;
  bool stopping_ = false;
  std::exception_ptr error_;
  std::vector<std::jthread> threads_;
};

}  // namespace ft
